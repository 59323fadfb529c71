#include "schedule/idle.h"

#include <stddef.h>

uint64_t
idle_look(struct idle *idle, const struct load *load, uint64_t now)
{
	if (load == NULL || load->in_flight > 0) {
		idle->known = 0;
		return 0;
	}
	/* A count that went back is that of a router started anew. */
	if (!idle->known || load->requests != idle->requests) {
		idle->known = 1;
		idle->requests = load->requests;
		idle->since = now;
	}
	return now - idle->since;
}
