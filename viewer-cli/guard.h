/* guard - a process of its own for a program that takes the whole terminal, so that the terminal is whole again however it ends.
 *
 * The parent keeps the terminal's settings and a folder that nobody else may read, waits, and puts everything back: after a return,
 * a signal, a crash of the child, even its SIGKILL. Only a SIGKILL of the parent is beyond it; the child then ends by SIGTERM.
 */
#ifndef VIEWER_CLI_GUARD_H
#define VIEWER_CLI_GUARD_H

/* Before any thread. fn runs in the child; dir is the folder, empty, which goes with everything in it. Returns fn's value, 128 and
 * the signal that ended the program, or VIEWER_FAILED when there is no terminal. */
int guard_run(int (*fn)(void *arg, const char *dir), void *arg);

/* In the child: raw keys, the alternate screen, no cursor. */
void guard_take_screen(void);

#endif
