/* Every command with its help. What stands here is what `pacs help` prints. */
#include <string.h>

#include "pacs/command.h"

const struct command commands[] = {
	{ "init", "init DIR [--aet A] [--level clinic|county|province] [--port P]", "make a data folder with a commented pacs.conf",
	  "Makes DIR with pacs.conf and the folders store, spool, quarantine and run. DIR must be new or empty;\n"
	  "a data folder that is there already is never changed.\n"
	  "  --aet A      AE title of the node (default: CLINIC1, COUNTY1 or PROVINCE1, by level)\n"
	  "  --level L    where it stands (default clinic)\n"
	  "  --port P     TCP port for DICOM (default 11112)\n"
	  "Example: pacs init /srv/pacs --aet HOSP1 --level clinic\n", cmd_init },
	{ "serve", "serve", "run the node in the foreground",
	  "Checks configuration and folders, opens the port, starts storescp and router and prints one line, beginning with\n"
	  "\"ready:\", when both answer. A program that dies is started again (after 1 s, doubling to 60 s). Logs go to stderr.\n"
	  "  SIGTERM, SIGINT (Ctrl-C)   stop: nobody is let in any more, what is under way is finished, all programs end\n"
	  "  SIGHUP                     read pacs.conf again\n"
	  "Exit code 78: the configuration, the folder, the port or a database is not right; the message says which and nothing\n"
	  "was changed. Only one `pacs serve` runs on a folder.\n", cmd_serve },
	{ "wait", "wait [--timeout S]", "return when the node answers",
	  "Waits until both programs of the node answer. Exit code 0: they do; 3: not within S seconds (default 60).\n", cmd_wait },
	{ "status", "status", "how the node is: programs, index, queue, disk",
	  "Shows both programs, what is stored, what is waiting, and the disk. Exit code 0: both programs run; 3: one does not.\n", cmd_status },
	{ "reload", "reload", "read pacs.conf again, without a restart",
	  "Checks pacs.conf and tells the programs to read it. level, listen, port and aet take effect at the next start.\n", cmd_reload },
	{ "node", "node list|pending|add|remove|accept|echo ...", "modalities, workstations and other nodes",
	  "  node list                    all node sections of pacs.conf\n"
	  "  node pending                 callers that were refused because they have none\n"
	  "  node add NAME --aet A [--host H --port P] [--level L] [--codec C]\n"
	  "                               let A in, and send to it at H:P. --level for nodes of this kind; --codec: how images\n"
	  "                               are encoded on the way there (`pacs help codecs`)\n"
	  "  node accept AET              let this caller in; nothing is sent to it\n"
	  "  node accept any              let every caller in (a lab only); node accept known: undo that\n"
	  "  node remove NAME             take it out of pacs.conf\n"
	  "  node echo NAME               call it: a C-ECHO, with the time it took\n"
	  "Changes are written into pacs.conf, where comments stay, and take effect without a restart.\n"
	  "Example: pacs -C /srv/pacs node add COUNTY --aet COUNTY1 --host 10.3.0.1 --port 11112 --level county\n", cmd_node },
	{ "route", "route list|add|remove ...", "what happens to images as they come",
	  "  route list\n"
	  "  route add NAME --action forward --to NODE      send to a node\n"
	  "  route add NAME --action worklist --group G     make a reading item for a group of readers\n"
	  "  route add NAME --action compress [--codec C]   store native images as C; `pacs help codecs`\n"
	  "  route add NAME --action notify --to NODE       tell a node when a study is complete\n"
	  "  route remove NAME\n"
	  "Which images: --calling A --modality M --body-part B --level L --sop-class U, each with alternatives and wildcards (\"DR,DX\", \"US?\").\n"
	  "--priority 0 (routine) to 9 (stat). Routes are tried in the order of pacs.conf; every one that matches acts.\n"
	  "They act on images that come from now on.\n"
	  "Example: pacs -C /srv/pacs route add dr-up --modality DR,DX --action forward --to COUNTY\n", cmd_route },
	{ "study", "study list|show|import|export|tag|merge|split|delete|edits|revert ...", "what is stored, and correcting it",
	  "  study list [--patient ID] [--patient-name NAME] [--accession A] [--from YYYYMMDD] [--to YYYYMMDD] [--limit N]\n"
	  "                              newest first (default 50). NAME may have * and ?, and be pinyin or initials: zhangsan, zs\n"
	  "  study show UID               the study, the order that it belongs to, its corrections and its images\n"
	  "  study import PATH...         the same as `pacs import`\n"
	  "  study export TO ...          the same as `pacs export`\n"
	  "What is wrong with a study is corrected by a person of this node. STUDY is a Study UID, or an accession number that one study has.\n"
	  "  study tag STUDY [--series UID | --instance UID | --patient] KEY=VALUE ...\n"
	  "                              sets attributes: StudyDescription=\"CT head\", \"(0008,1030)=CT head\"; an empty value empties.\n"
	  "                              PatientID=P7 gives the study to that patient; PatientName, PatientBirthDate, PatientSex and\n"
	  "                              IssuerOfPatientID go with it. --patient: the name, birth date or sex of the patient in all his\n"
	  "                              studies. Not: UIDs, what describes samples, sequences, binary values\n"
	  "  study merge STUDY FROM ... [--patient]\n"
	  "                              FROM becomes part of STUDY; --patient: although they are different patients'\n"
	  "  study split STUDY --series UID[,UID] | --instance UID[,UID]   --new | --into STUDY\n"
	  "                              moves series, or images into a series of their own, to a new study or to another one\n"
	  "  study delete STUDY [--series UID[,UID] | --instance UID[,UID]] --reason TEXT [--force] [--yes]\n"
	  "                              for good. Refused while something is to be sent, confirmed or read, unless --force: jobs and\n"
	  "                              reading work end then. A held study stays. What is sent again later is stored again\n"
	  "  study edits [STUDY]          who corrected what, and when\n"
	  "  study revert N               takes a tag, merge or split back, when no later one stands on it\n"
	  "All take --reason TEXT. Kept files are not changed: queries and outgoing copies are. Images that come later follow: of a merged\n"
	  "study, of a split series, of a study with another patient. What was sent before is not sent again by itself; the receiver gets\n"
	  "the corrected study when it retrieves it.\n"
	  "Example: pacs -C /srv/pacs study tag A1001 PatientID=P7 PatientName=\"ZHANG^SAN\" --reason \"wrong worklist entry\"\n", cmd_study },
	{ "queue", "queue list|retry|hold ...", "jobs: forwarding, compression, notification",
	  "  queue list [--state S] [--to NODE] [--limit N]      jobs that are not done (S: queued running waiting held)\n"
	  "                                                      or that are (S: sent confirmed); CONFIRM says how it stands with\n"
	  "                                                      the storage commitment of what was sent\n"
	  "  queue retry ID | --to NODE | --all                  try now: waiting and held jobs\n"
	  "  queue hold ID | --to NODE                           do not try until `queue retry`\n"
	  "A job leaves the queue when the far end has taken it, or by a person's decision; never by age. What a node shall confirm\n"
	  "(`commit` in pacs.conf) is confirmed later; see `pacs help commitment`. Finished jobs are forgotten after `keep_jobs` days.\n", cmd_queue },
	{ "commitment", "commitment list [--limit N]", "storage commitment: what was asked of others, and of us",
	  "Three tables. What was sent and is not confirmed yet, by node: to be asked, asked, sent again because the node did not have\n"
	  "it. The requests to other nodes, newest first. What other nodes and modalities asked of us: unchecked, checked (its result is\n"
	  "owed, and tried again without end; `pacs queue retry --to NODE` tries now), reported.\n"
	  "A result needs a way back: the caller's node section must have host and port, unless it waits on its association.\n", cmd_commitment },
	{ "notice", "notice list [--limit N]", "studies that are complete: told by others, and here",
	  "Two tables. Instance availability notifications that other nodes sent us; studies that became complete here, with what said\n"
	  "so (quiet: no image for `quiet` seconds). A route with the action notify tells another node of the latter.\n", cmd_notice },
	{ "worklist", "worklist list [--state S] [--limit N]", "the reading worklist",
	  "Shows reading items: SCHEDULED (nobody has it), IN PROGRESS (a reader has claimed it), COMPLETED, CANCELED.\n", cmd_worklist },
	{ "order", "order add|import|list|cancel|unmatched|messages ...", "imaging orders: the modality worklist",
	  "  order add --patient-id P --patient-name N --modality M --accession A [--date D] [--time T] [--station-aet AE] ...\n"
	  "  order import FILE...         CSV, or HL7 v2 (ORM, OMG, OMI, ADT); a file with an error is not taken, the line is named\n"
	  "  order list [--state S] [--from D] [--to D] [--accession A] [--patient-id P] [--all] [--limit N]\n"
	  "                               what is scheduled or under way; S: SCHEDULED, STARTED, COMPLETED, DISCONTINUED, CANCELED\n"
	  "  order cancel ACCESSION [--step-id S] [--note N]\n"
	  "  order unmatched              studies that came and have no order, and why\n"
	  "  order messages               HL7 messages that could not be used (--json shows them whole)\n"
	  "Fields, as options (--patient-id) and as names in the first line of a CSV file (patient_id):\n"
	  "  accession placer filler procedure_id step_id study_uid patient_id issuer patient_name birth_date sex modality\n"
	  "  station_aet station_name location date time performing requesting referring department description code_value\n"
	  "  code_scheme code_meaning reason priority admission_id patient_location weight alerts allergies\n"
	  "Needed: patient_id, patient_name, modality, and one of accession, placer, filler. The same numbers again change the order.\n"
	  "Example: pacs -C /srv/pacs order add --accession A1 --patient-id P1 --patient-name '\345\274\240^\344\270\211' --modality DX --station-aet DR1\n", cmd_order },
	{ "check", "check [text [--sender AET] [--since YYYYMMDD]]", "what is wrong with pacs.conf and the folders; with senders' text",
	  "Tells every problem with file and line, without touching anything. Exit code 0: all is right; 78: it is not.\n"
	  "  check text     for each sender: which character sets its objects declare and which their text is in (declaration\n"
	  "                 right, missing or false), how it was read (as declared, by the charset of its node section, by\n"
	  "                 detection, as Latin-1 for want of better), one study of each kind, and what to do\n", cmd_check },
	{ "verify", "verify [damaged] [--since YYYYMMDD] [--rate MB] [--young S] [--repair]", "is every image on disk, whole, and as the index says",
	  "Reads every stored file again and compares it with the index: there, size, digest, UIDs, transfer syntax, header; files without\n"
	  "a row, quarantine, counters. Works beside a running node. On a terminal it shows how far it is; Ctrl-C ends it.\n"
	  "  --since YYYYMMDD   only images received since that day\n"
	  "  --rate MB          read at most so many megabytes a second\n"
	  "  --young S          files without a row that are younger than S seconds are on their way, and no finding (default 60)\n"
	  "  --repair           mend what can be mended, through the running node: a damaged file is replaced by a whole copy kept beside\n"
	  "                     it, else moved to quarantine and its image marked, until the sender sends it again; files without a row are indexed\n"
	  "  verify damaged     the images that are marked as damaged now\n"
	  "Exit code 0: all is as it should be; 4: something was found. The node does the same by itself, slowly: see scrub_days and\n"
	  "scrub_rate in `pacs help conf`, and `pacs status`.\n"
	  "Example: pacs -C /srv/pacs verify --since 20260101 --rate 20\n", cmd_verify },
	{ "scrub", "scrub", "read every image again within scrub_days (`serve` runs it)",
	  "Reads all stored files again and again, slowly and with the lowest priority, and mends what it finds as `verify --repair` does.\n"
	  "`pacs serve` starts it; where it is stands in scrub.state, so that a restart goes on there. Findings are logged and shown by\n"
	  "`pacs status`.\n", cmd_scrub },
	{ "import", "import PATH... [--calling AET] [--dry-run] [--unnamed] [--rate MB]", "old archives and patient discs into this node",
	  "Takes in every DICOM object below the PATHs: folders, single files, zip archives, file sets with a DICOMDIR. The node must run:\n"
	  "each image goes through it as if it had been sent, is looked for (the same image again changes nothing), routed and indexed.\n"
	  "Files are recognised by what is in them, not by their names. In a folder with a DICOMDIR what it names is taken; what it names and\n"
	  "is not there, and what is there and it does not name, is told. Links to folders are not followed, archives in archives not opened.\n"
	  "  --calling AET   who is taken to have sent it (default IMPORT): routes, and the charset and duplicate of its node section\n"
	  "  --dry-run       only look, and tell what would be imported; the node need not run\n"
	  "  --unnamed       also what a DICOMDIR does not name\n"
	  "  --rate MB       copy at most so many megabytes a second\n"
	  "Ctrl-C ends it after the images in hand. The same command again goes on from there (DIR/import.journal notes what was done).\n"
	  "Exit code 1: something could not be read or taken in, or it was stopped; 4: conflicts, quarantined images, missing files.\n"
	  "Example: pacs -C /srv/pacs import /media/cdrom --calling CD\n", cmd_import },
	{ "export", "export TO [which studies] [--zip] [--dicomdir] [--ts S] [--deidentify ...]", "studies onto a disc, into a folder or an archive",
	  "Writes studies to the new folder TO, or with --zip to the new archive TO. It is there whole, or not at all, and nothing is ever\n"
	  "overwritten. What goes out is what the node would send: patients who were updated or merged have today's name and ID. Names are\n"
	  "those of a medium: P00001/S00001/E00001/I0000001. The node may run or not.\n"
	  "Which studies (all that fit; without any of these nothing):\n"
	  "  --study UID[,UID...]  --accession A  --patient-id ID  --from YYYYMMDD  --to YYYYMMDD  --modality M (studies with it)  --all\n"
	  "How:\n"
	  "  --zip             one archive instead of a folder\n"
	  "  --dicomdir        a file set: with a DICOMDIR, as discs for patients and other hospitals have it\n"
	  "  --ts S            explicit, implicit, or a reversible codec (`pacs help codecs`); default: as stored. Discs that must be\n"
	  "                    readable everywhere want explicit\n"
	  "Without the patient (PS3.15 Basic Application Level Confidentiality Profile; what is not known is removed):\n"
	  "  --deidentify      names, IDs, dates, descriptions, private elements and graphics go; UIDs become others. Every file is read\n"
	  "                    again and searched for the patient: where anything is found, the image is left out\n"
	  "  --retain LIST     of uids, device, institution, dates, modified-dates, patient-characteristics, overlays, with commas between\n"
	  "  --subject NAME    name and ID instead (with several patients NAME-0001 ...); default SUBJECT0001 ..., with --key one made from it\n"
	  "  --key FILE        a secret of 16 bytes and more: the same image becomes the same in every export that uses it; keep it\n"
	  "  --map FILE        who became whom, for your own safe: a new file that only you can read\n"
	  "  --accept-burned-in   also what may show the patient in its pixels or text: ultrasound, secondary captures, photographs, reports,\n"
	  "                    documents, and what says so of itself. Without it they are left out, and counted\n"
	  "Exit code 4: images were left out: missing, damaged, or not fit to be de-identified; the table says why.\n"
	  "Examples: pacs -C /srv/pacs export /tmp/disc --patient-id 4711 --dicomdir --ts explicit\n"
	  "          pacs -C /srv/pacs export /tmp/trial.zip --zip --from 20260101 --modality DX --deidentify --retain modified-dates\n", cmd_export },
	{ "backup", "backup [list|verify] TO [--keep N] [--rate MB] [--link] [--generation G]", "a whole copy of this folder, while the node runs",
	  "  backup TO                    copy everything to the folder TO (another disk, a mounted share): a new generation of databases\n"
	  "                               and configuration, and the objects that are not there yet. Every object is compared with its\n"
	  "                               digest. A backup that is stopped leaves the earlier ones whole, and goes on next time\n"
	  "    --keep N                   generations to keep (default 14); what only older ones name is removed\n"
	  "    --rate MB                  read at most so many megabytes a second\n"
	  "    --link                     hard links for objects: no space, same file system, protects from mistakes only\n"
	  "  backup list TO               the generations there\n"
	  "  backup verify TO [--generation G]   read all of one again and compare it: could it be restored?\n"
	  "Exit code 4: objects are missing or damaged; they are named, up to a hundred of them, and the rest is copied.\n"
	  "Example: pacs -C /srv/pacs backup /mnt/nas/county1 --keep 30 --rate 50\n", cmd_backup },
	{ "restore", "restore FROM DIR [--generation G]", "a data folder from a backup",
	  "Makes the data folder DIR (new or empty) from the newest generation in FROM, or from G (`pacs backup list FROM`). Every file is\n"
	  "compared with its digest on the way. pacs.conf is written last: a restore that was stopped leaves no data folder.\n"
	  "Exit code 4: objects were missing or damaged in the backup; they are named, up to a hundred of them, and the rest is there.\n"
	  "Start the node on DIR as usual; what was received after that backup must be sent again.\n", cmd_restore },
	{ "rebuild", "rebuild [--threads N]", "index.db anew, from the stored files alone",
	  "Reads every file in store/ and quarantine/ and makes index.db from them; the node must be stopped. The new index takes the place\n"
	  "of the old one in one step when it is whole; the old one is kept as index.db.old. Not in the files, and therefore not in the new\n"
	  "index: refused callers that wait for a decision, marks of damage (`verify` finds them again). Holds and the trail of `retention` are\n"
	  "taken over from the old index while it can be read; else a message says that they are lost.\n"
	  "  --threads N   files that are parsed at the same time (default 2)\n"
	  "Exit code 4: files could not be indexed; they are named and stay where they are.\n", cmd_rebuild },
	{ "stats", "stats [month] [site] [modality] [--month YYYY-MM] [--site AET]", "what was received, by month, site, modality",
	  "Studies, images, bytes, the mean size of an image, the largest study; studies whose text had to be guessed; late ones (last\n"
	  "image over an hour after the first); conflicts, files in quarantine, damaged images, jobs that failed and wait for a person. Rows are told apart by the words given,\n"
	  "month and site when there are none. A study counts in the month of its first image, for the site that sent that.\n"
	  "Example: pacs -C /srv/pacs stats site modality --month 2026-11\n", cmd_stats },
	{ "retention", "retention [hold|unhold STUDY] [--reason R] [--all] [--apply]", "which studies have been kept long enough",
	  "Shows the studies that would go: those older than the `keep` of their class (the first retention section of pacs.conf that is for\n"
	  "them), and the oldest of a class that is above its quota; and of these the ones that stay, and why: not sent, not read, held.\n"
	  "Nothing is removed without --apply.\n"
	  "  --all                          all studies, also those that are not old enough\n"
	  "  --apply                        remove them, through the running node; a row of the index tells what went, why, by whom\n"
	  "  retention hold STUDY --reason R     this study stays, whatever its class says\n"
	  "  retention unhold STUDY              no longer\n"
	  "A study that no section is for is kept.\n", cmd_retention },
	{ "demo", "demo [--once] [--dir D] [--keep]", "three nodes on this machine, and the main job shown live",
	  "Starts a clinic, a county and a province node on loopback, sends DR and ultrasound studies to the clinic with DCMTK's\n"
	  "storescu, and shows what happens to each: received, durable, indexed, compressed, forwarded, on the worklist of the\n"
	  "county. A reader then claims a study, looks at it and completes it; another goes up to the province. After that the\n"
	  "nodes stay up and the commands to try are printed; Ctrl-C ends all.\n"
	  "  --once      verify each step and end; exit code 0 only when every step was as it should be\n"
	  "  --dir D     put the three data folders in D (default: a temporary folder, removed at the end)\n"
	  "  --keep      do not remove the folders\n", cmd_demo },
	{ "pixels", "pixels [--study UID]", "decode what is kept, and compare with what was recorded",
	  "Every image (of one study, or of all) is decoded by a sandboxed worker, beside the running node and after all other work.\n"
	  "The digest of its bytes must be that of the index, and the digest of its samples the one taken when it was compressed.\n"
	  "Exit code 1: one of them is bad; the table names it.\n", cmd_pixels },
	{ "help", "help [COMMAND|conf|codecs]", "this list, a command in full, or every option of pacs.conf", "", cmd_help },
};
const size_t command_count = NELEM(commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}
