#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viewer-cli/viewer.h"

static const char overview[] =
	"usage: viewer-cli --node HOST:PORT --called AET [--calling AET] COMMAND [...]\n"
	"A reader's terminal. It takes cases from a node's reading list and brings their images; it speaks DICOM only.\n"
	"\n"
	"  read       the reading list and its cases on the whole terminal; so too without a command\n"
	"  list       what waits to be read\n"
	"  claim      take a case, so that nobody else does\n"
	"  pull       bring the images of a case or of a study\n"
	"  show       show an image file in the terminal\n"
	"  complete   the case is read\n"
	"  release    give the case back, with a reason\n"
	"  help       more about a command: viewer-cli help COMMAND\n"
	"\n"
	"  --node HOST:PORT   the node; or VIEWER_NODE in the environment\n"
	"  --called AET       its AE title; or VIEWER_CALLED\n"
	"  --calling AET      ours, which the node must know; or VIEWER_CALLING; default VIEWER\n"
	"\n"
	"exit code: 0 done, 1 failed, 2 usage\n";

static const struct { const char *command, *text; } texts[] = {
	{ "read",
	  "usage: viewer-cli ... [read] [--group GROUP] [--patient NAME]\n"
	  "The reading list on the whole terminal, asked again every five seconds: what is new has a +, what changed a *.\n"
	  "Enter claims a case and brings its images and up to four earlier studies of the patient. Images are drawn as the\n"
	  "terminal can (sixel, kitty or symbols); ? shows the keys. Its language is that of LANG (English, Chinese). Greyscale and colour\n"
	  "presentation states that come with a study wait for the key a; until then images look as they say themselves.\n"
	  "Images are kept in a folder below $TMPDIR while the program runs, and removed at its end; what was claimed stays\n"
	  "claimed until it is completed or given back, here or by `complete` and `release`.\n"
	  "\n"
	  "  --group GROUP    of one reader group only, e.g. DR\n"
	  "  --patient NAME   * and ? allowed\n" },
	{ "list",
	  "usage: viewer-cli ... list [--state STATE | --all] [--group GROUP] [--patient NAME] [--json]\n"
	  "Shows the reading list, most urgent first, then by the time it is due.\n"
	  "\n"
	  "  --state STATE    SCHEDULED (default), \"IN PROGRESS\", COMPLETED or CANCELED\n"
	  "  --all            items in any state\n"
	  "  --group GROUP    of one reader group only, e.g. DR\n"
	  "  --patient NAME   * and ? allowed\n"
	  "  --json           one JSON object: {\"items\":[...]}\n" },
	{ "claim",
	  "usage: viewer-cli ... claim [ITEM] [--group GROUP]\n"
	  "Takes an item: of several readers exactly one gets it. Without ITEM the most urgent that is ready.\n"
	  "The key to it is kept in $XDG_STATE_HOME/viewer-cli or ~/.local/state/viewer-cli, for `complete` and `release`.\n" },
	{ "pull",
	  "usage: viewer-cli ... pull -o DIR [ITEM]\n"
	  "       viewer-cli ... pull -o DIR --study STUDY-UID\n"
	  "Brings the images into DIR, one file SOP-INSTANCE-UID.dcm each, as the node keeps them.\n"
	  "Without ITEM those of the one that is claimed here.\n"
	  "Ends with 1 when any image is missing.\n" },
	{ "show",
	  "usage: viewer-cli show FILE [--png OUT | --jpeg OUT] [--window WINDOW] [--frame N] [--size WxH] [...]\n"
	  "Shows an image file in the terminal (sixel, kitty or symbols, as the terminal can), or writes a picture.\n"
	  "\n"
	  "  --png OUT, --jpeg OUT   writes a picture of 8 bits instead\n"
	  "  --window WINDOW   C,W: centre and width; #N: the image's Nth, its windows and then its VOI tables; or its name\n"
	  "  --frame N         of a cine; the first is 1\n"
	  "  --size WxH        not larger than this; --enlarge: as large as this allows\n"
	  "  --thumbnail N     at most N pixels a side, decoded small where the code stream allows: faster, not exact,\n"
	  "                    without overlays and shutter then\n"
	  "  --state FILE      as a presentation state says; its texts are printed beneath\n"
	  "  --invert          black and white change places\n"
	  "  --no-overlays, --no-shutter\n"
	  "  --as-stored       a pixel for a pixel, also where pixels are not square\n" },
	{ "release",
	  "usage: viewer-cli ... release [ITEM] [--reason REASON] [--transaction UID]\n"
	  "Gives a claimed item back. The node puts a new one on the list in its place.\n"
	  "Without ITEM the one that is claimed here.\n"
	  "\n"
	  "  --reason REASON     rejected (default), quality, specialist, incomplete, a DICOM code, or any text;\n"
	  "                      specialist sends the case up to the next level\n"
	  "  --transaction UID   the key, when the item was claimed elsewhere\n" },
	{ "complete",
	  "usage: viewer-cli ... complete [ITEM] [--transaction UID]\n"
	  "The case is read. Without ITEM the one that is claimed here.\n"
	  "\n"
	  "  --transaction UID   the key, when the item was claimed elsewhere\n" },
	{ "help", "usage: viewer-cli help [COMMAND]\n" },
};

int viewer_help(const char *command)
{
	if (!command) {
		fputs(overview, stdout);
		return VIEWER_OK;
	}
	for (size_t i = 0; i < NELEM(texts); i++)
		if (strcmp(texts[i].command, command) == 0) {
			fputs(texts[i].text, stdout);
			return VIEWER_OK;
		}
	fprintf(stderr, "viewer-cli: there is no command \"%s\"; see `viewer-cli help`\n", command);
	return VIEWER_USAGE;
}

int viewer_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("viewer-cli: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return VIEWER_FAILED;
}
