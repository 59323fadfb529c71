#include "launcher/launcher_step.h"

int
step_run(const struct steps *s, size_t i, void *arg)
{
	return s->at[i].run(arg);
}

void
step_undo(const struct steps *s, size_t i, void *arg)
{
	s->at[i].undo(arg);
}
