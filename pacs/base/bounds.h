/* bounds - the maximum of everything that a peer can make grow, in one table.
 * A bound is a promise about memory: raise it only together with the reason beside it. */
#ifndef PACS_BASE_BOUNDS_H
#define PACS_BASE_BOUNDS_H

enum {
	/* ---- upper layer ---- */
	BOUND_PDU_OURS = 131072,           /* max PDU we announce (item 51); DCMTK's largest, so nobody refuses it */
	BOUND_PDU_OUT = 131072,            /* largest P-DATA-TF we send, whatever the peer would take */
	BOUND_ASSOCIATE_PDU = 1 << 20,     /* A-ASSOCIATE body held in memory; 128 contexts of 40 syntaxes fit ten times */
	BOUND_CONTEXTS = 128,              /* PS3.8: odd IDs 1..255 */
	BOUND_TS_PER_CONTEXT = 64,         /* more transfer syntaxes than the standard has */
	BOUND_UID = 64,                    /* PS3.5 section 9.1 */
	BOUND_AET = 16,                    /* PS3.8 section 9.3.2 */
	BOUND_USER_ITEMS = 512,            /* role and extended negotiation items: 2 for each storage class */
	BOUND_COMMAND_SET = 65536,         /* a command set of all elements is under 1 kB */
	BOUND_IDENTIFIER = 1 << 20,        /* C-FIND / N-* data set held in memory */
	BOUND_ASYNC_OPS = 64,              /* operations in flight on one association, both ways */
	BOUND_SEND_QUEUE = 4 << 20,        /* bytes waiting in one connection's write queue: high mark, stop producing */
	/* ---- data sets ---- */
	BOUND_DEPTH = 64,                  /* nesting of sequences */
	BOUND_HEADER = 4 << 20,            /* everything before pixel data that the walker keeps of one instance */
	BOUND_ELEMENT = 1 << 20,           /* one value kept by the walker; longer ones are passed over */
	BOUND_INFLATED = 64 << 20,         /* plain bytes of a deflated data set before pixel data; stops a bomb after 0.1 s */
	BOUND_DATASET_NODES = 65536,       /* elements in a parsed identifier */
	/* ---- receiving ---- */
	BOUND_ASSOCIATIONS = 4096,         /* open connections of one storescp */
	BOUND_SPOOL_CHUNK = 256 << 10,     /* one write to a spool file */
	BOUND_SPOOL_DIRTY = 4 << 20,       /* unwritten bytes of one incoming object; above it the socket stops */
	BOUND_SPOOL_TOTAL = 24 << 20,      /* unwritten bytes of all incoming objects together */
	BOUND_SYNC_TOGETHER = 1 << 20,     /* unsynced bytes of a file whose sync is left to its round: others wait for it too */
	BOUND_COMMIT_BATCH = 512,          /* images that share one commit */
	BOUND_PENDING_AE = 1000,           /* unknown callers remembered for `pacs node pending` */
	/* ---- reading work ---- */
	BOUND_ITEM_INSTANCES = 4096,       /* images that a work item names; so an N-GET answer stays under 1 MB */
	/* ---- retrieving ---- */
	BOUND_FIND_QUEUE = 512 << 10,      /* answers of one C-FIND that wait for the caller's line: a day of a county's studies */
	BOUND_RETRIEVE = 1 << 20,          /* instances of one C-MOVE or C-GET: 16 bytes each */
	BOUND_RETRIEVE_KINDS = 4096,       /* distinct (SOP class, transfer syntax) of one */
	BOUND_FAILED_UIDS = 65534,         /* bytes of (0008,0058): what an explicit VR UI can hold */
	BOUND_ITEM_BYTES = 3 << 19,        /* a work item's data set, N-SETs included; so one C-FIND answer fits half a send queue */
	/* ---- local sockets ---- */
	BOUND_EDIT_RULES = 256,            /* attributes, series or images that one correction names: its entry stays one small message */
	BOUND_CTL_LINE = 4 << 20,          /* one JSON request or answer line */
	BOUND_CTL_CLIENTS = 64,
	/* ---- storage commitment, notices ---- */
	BOUND_COMMIT_REFS = 8192,          /* references of one transaction, either way: what BOUND_IDENTIFIER can hold */
	BOUND_COMMIT_DUTIES = 10000,       /* unanswered transactions of one caller; more are refused (0213) until it takes its results */
	BOUND_NOTICES = 10000,             /* availability notifications kept; the oldest go */
	/* ---- media ---- */
	BOUND_DICOMDIR = 256 << 20,        /* a directory file; a disc of 20,000 images has 10 MB */
	BOUND_DICOMDIR_RECORDS = 2000000,  /* its records, 50 bytes each */
	BOUND_MEDIA_DEPTH = 64,            /* folders in folders of what is imported; discs have 8 */
	BOUND_IMPORT_JOURNAL = 1 << 28,    /* of what was imported; 100 bytes an image; a larger one begins anew */
	/* ---- codecs ---- */
	BOUND_IMAGE_SIDE = 65535,          /* Rows and Columns are US */
	BOUND_FRAMES = 100000,
	/* ---- pictures ---- */
	BOUND_PICTURE_SIDE = 32768,        /* of what is drawn: a mammogram three times as large */
	BOUND_PICTURE_HEADER = 64 << 20,   /* elements that the picture of a frame needs: an overlay of each of 1,000 frames of 512 x 512 fits */
	BOUND_PICTURE_POINTS = 100000,     /* points of one drawn shape */
	/* ---- orders ---- */
	BOUND_HL7_MESSAGE = 1 << 20,       /* one HL7 v2 message; an order is under 10 kB */
	BOUND_HL7_SEGMENTS = 2000,         /* segments of one: hundreds of orders */
	BOUND_HL7_CLIENTS = 64,            /* open connections: a county has a handful of hospital systems */
	BOUND_HL7_ORDERS = 200,            /* orders in one message */
	BOUND_HL7_QUARANTINE = 2000,       /* messages kept that could not be used, each of at most BOUND_HL7_MESSAGE */
	BOUND_ORDER_FILE = 64 << 20,       /* `pacs order import`: a year of a county as CSV */
	BOUND_MPPS_IMAGES = 20000,         /* images that one performed procedure step names; they wait in a table each */
};
/* Decoded bytes that one codec job may hold. */
#define BOUND_XCODE_BYTES (2048ULL << 20)
/* What comes out of a zip archive that is imported: an entry is no longer than a DICOM file can be, and all together are so many times
 * as long as the archive, which black images reach and bombs (also those whose entries overlap) do not stay under. */
#define BOUND_ZIP_ENTRY (4ULL << 30)
#define BOUND_ZIP_FREE (256ULL << 20)      /* that may always come out */
#define BOUND_ZIP_RATIO 250

#endif
