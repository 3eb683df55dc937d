/* thread - how a thread of ours takes its turn.
 *
 * A thread that is woken by one of ours mostly needs next the lock which that one still holds, or has work that can wait for
 * some microseconds. Where it takes the processor from who woke it, both lose: it sleeps again at once, for the lock. On two
 * processors, with small images by eight associations, that was a quarter of all switches of storescp.
 */
#ifndef PACS_BASE_THREAD_H
#define PACS_BASE_THREAD_H

/* The calling thread no longer interrupts who runs when it is woken (SCHED_BATCH, sched(7)): it takes a processor that is free or
 * becomes so, or its turn. What runs under SCHED_IDLE (the codec workers) it still interrupts. Threads and processes
 * that it starts inherit this. Needs no right; where it fails only time is lost. */
void thread_takes_its_turn(void);

#endif
