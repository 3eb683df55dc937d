/* text - what `read` says, in the reader's language: gettext with the catalogue viewer-cli/po/zh_CN.po.
 *
 * Catalogues are looked for beside the program (../locale) and where it was installed (../share/locale). LC_ALL, LC_MESSAGES and LANG
 * choose; a machine without that locale built still gets its language. Numbers stay those of C: data sets are read with them.
 */
#ifndef VIEWER_CLI_TEXT_H
#define VIEWER_CLI_TEXT_H

/* Once, before any thread. */
void        text_init(void);
const char *text(const char *english) __attribute__((format_arg(1)));

#define _(s) text(s)
#define N_(s) (s)        /* marks a text of a table, which is asked for where it is used */

#endif
