#include "viewer-cli/text.h"

#include <langinfo.h>
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "viewer-cli"

static const char *wanted(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = getenv(names[i]);
		if (v && *v)
			return v;
	}
	return "C";
}

/* Where it is said in ISO language, e.g. zh_CN for zh_SG.UTF-8 too: there is one Chinese catalogue. */
static void without_locale(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	setlocale(LC_MESSAGES, "C.UTF-8");
	if (!strncmp(wanted(), "zh", 2))
		setenv("LANGUAGE", "zh_CN", 0);
}

static void find_catalogue(void)
{
	char exe[PATH_MAX], dir[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return;
	exe[n] = 0;
	char *slash = strrchr(exe, '/');
	if (slash)
		*slash = 0;
	static const char *const places[] = { "locale", "share/locale" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/../%s", exe, places[i]);
		if (access(dir, F_OK) == 0) {
			bindtextdomain(DOMAIN, dir);
			return;
		}
	}
}

void text_init(void)
{
	if (!setlocale(LC_MESSAGES, "") || !setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		without_locale();
	find_catalogue();
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
}

const char *text(const char *english)
{
	return gettext(english);
}
