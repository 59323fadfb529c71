#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/push/progress.h"

#define PROGRESS_CELLS 28

static uint64_t
progress_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
progress_start(struct progress *p, struct out *out, const char *what,
    unsigned long long total)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->out = out;
	p->total = total;
}

static void
progress_draw(struct progress *p, unsigned long long done)
{
	char size[32], sent[48] = "", bar[PROGRESS_CELLS * 3 + 1];
	unsigned cells = PROGRESS_CELLS, percent = 100, i;
	size_t n = 0;

	if (p->total > 0 && done < p->total) {
		percent = (unsigned)(done * 100 / p->total);
		cells = percent * PROGRESS_CELLS / 100;
	}
	for (i = 0; i < PROGRESS_CELLS; i++) {
		memcpy(bar + n, i < cells ? "\u2588" : "\u2591", 3);
		n += 3;
	}
	bar[n] = '\0';
	out_bytes(size, sizeof(size), p->sent);
	if (p->sent > 0)
		snprintf(sent, sizeof(sent), "  %s sent", size);
	fprintf(p->out->file, "\r%s %s %3u %%%s\033[K", p->what, bar, percent,
	    sent);
	fflush(p->out->file);
	p->shown = 1;
}

void
progress_update(
    struct progress *p, unsigned long long done, unsigned long long sent)
{
	uint64_t now;

	p->sent = sent;
	if (!p->out->tty)
		return;
	now = progress_now();
	if (p->drawn != 0 && now - p->drawn < 100)
		return;
	p->drawn = now;
	progress_draw(p, done);
}

void
progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", p->out->file);
	fflush(p->out->file);
	p->shown = 0;
}
