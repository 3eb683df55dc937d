#include "pacs/base/thread.h"

#include <sched.h>

void thread_takes_its_turn(void)
{
	const struct sched_param none = { 0 };
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}
