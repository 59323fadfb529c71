#include "schedule/autoscale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000ULL

#define AVERAGE_US (10 * SECOND) /* what samples are averaged over */
#define GAP_US     (15 * SECOND) /* without one: the thread is lost */
#define SETTLE_US  (10 * SECOND) /* after a change, for p95 to tell of it */
#define START_US   (30 * SECOND) /* new instances may take that long */

#define TOLERANCE 0.1 /* as Kubernetes' horizontal autoscaler has it */
#define EASY      0.5 /* of the p95 allowed: one less would do */
#define SPARE     0.8 /* of the rate that was too much */
#define HOT_LASTS 24  /* windows, until that is tried again */
#define COUNT_MIN 20  /* requests that make a percentile */

/* Sums over the last samples at this quantity. */
struct sums {
	double in_flight; /* the mean */
	double peak;
	double rate;    /* requests a second, at the most */
	double busiest; /* of one instance */
	uint64_t count; /* requests in the histogram */
	uint64_t latency[LOAD_BUCKETS];
};

void
autoscale_decode(struct autoscale_how *how, const json_t *set)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
	    {"min", offsetof(struct autoscale_how, min)},
	    {"max", offsetof(struct autoscale_how, max)},
	    {"concurrency", offsetof(struct autoscale_how, concurrency)},
	    {"p95", offsetof(struct autoscale_how, p95)},
	    {"window", offsetof(struct autoscale_how, window)},
	};
	uint32_t n;
	size_t i;

	memset(how, 0, sizeof(*how));
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		n = (uint32_t)json_integer_value(
		    json_object_get(set, fields[i].name));
		memcpy((char *)how + fields[i].offset, &n, sizeof(n));
	}
}

double
autoscale_p95(const uint64_t latency[LOAD_BUCKETS], uint64_t *count)
{
	double rank, below = 0, from = 0;
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < LOAD_BUCKETS; i++)
		all += latency[i];
	*count = all;
	rank = 0.95 * (double)all;
	for (i = 0; i + 1 < LOAD_BUCKETS; i++) {
		if (all > 0 && below + (double)latency[i] >= rank)
			return from + (load_limits[i] - from) * (rank - below) /
					  (double)latency[i];
		below += (double)latency[i];
		from = load_limits[i];
	}
	return all > 0 ? from : 0;
}

/* ---- samples ------------------------------------------------------------- */

void
autoscale_lost(struct autoscale *as)
{
	as->n = 0;
	as->began = 0;
	as->nparts = 0;
}

static void
push(struct autoscale *as, const struct autoscale_sample *sample)
{
	const struct autoscale_sample *last = &as->samples[0];
	uint64_t span = 0;

	if (as->n > 0 &&
	    (sample->now < last->now || sample->now - last->now > GAP_US))
		autoscale_lost(as);
	if (as->n > 0)
		span = sample->now - last->now;
	/* What was before a change says nothing of what is after it. */
	if (as->n > 0 && last->quantity != sample->quantity)
		as->n = 0;
	if (as->n < AUTOSCALE_SAMPLES)
		as->n++;
	memmove(&as->samples[1], &as->samples[0],
	    (AUTOSCALE_SAMPLES - 1) * sizeof(as->samples[0]));
	as->samples[0] = *sample;
	as->samples[0].span = span;
}

static void
sum_up(const struct autoscale *as, struct sums *sums)
{
	const struct autoscale_sample *sample;
	uint64_t before;
	double rate;
	size_t i, k;

	memset(sums, 0, sizeof(*sums));
	for (i = 0; i < as->n; i++) {
		sample = &as->samples[i];
		if (as->samples[0].now - sample->now > AVERAGE_US)
			break;
		sums->in_flight += (double)sample->in_flight;
		if (sums->peak < (double)sample->in_flight)
			sums->peak = (double)sample->in_flight;
		if (!sample->counted || sample->span == 0)
			continue;
		before = sums->count;
		for (k = 0; k < LOAD_BUCKETS; k++) {
			sums->latency[k] += sample->latency[k];
			sums->count += sample->latency[k];
		}
		rate = (double)(sums->count - before) * SECOND /
		       (double)sample->span;
		if (sums->rate < rate)
			sums->rate = rate;
		if (sample->ready > 0 && sums->busiest < rate / sample->ready)
			sums->busiest = rate / sample->ready;
	}
	if (i > 0)
		sums->in_flight /= (double)i;
}

/* ---- what the load asks for ---------------------------------------------- */

static uint32_t
by_concurrency(const struct autoscale_how *how, const struct sums *sums,
    uint32_t quantity, char why[AUTOSCALE_WHY_MAX])
{
	double share = how->concurrency;
	uint32_t low;

	if (how->concurrency == 0)
		return 0;
	if (sums->in_flight > quantity * share * (1 + TOLERANCE)) {
		snprintf(why, AUTOSCALE_WHY_MAX,
		    "%.0f requests at once, over %u an instance",
		    sums->in_flight, how->concurrency);
		return (uint32_t)ceil(sums->in_flight / share);
	}
	/* A wave that is shorter than a mean shows in its peaks alone. */
	low = (uint32_t)ceil(sums->peak / (share * (1 - TOLERANCE)));
	return low < quantity ? low : quantity;
}

static uint32_t
by_p95(const struct autoscale *as, const struct autoscale_how *how,
    const struct sums *sums, char why[AUTOSCALE_WHY_MAX])
{
	uint32_t quantity = as->samples[0].quantity, n;
	uint64_t count;
	double p95 = autoscale_p95(sums->latency, &count), over;

	if (how->p95 == 0)
		return 0;
	over = p95 / how->p95;
	if (count == 0)
		return sums->in_flight > 0 ? quantity : 1;
	if (over < EASY)
		return quantity - 1;
	if (over <= 1 + TOLERANCE || count < COUNT_MIN ||
	    (as->changed != 0 && as->samples[0].now - as->changed < SETTLE_US))
		return quantity;
	snprintf(
	    why, AUTOSCALE_WHY_MAX, "p95 %.0f ms over %u ms", p95, how->p95);
	n = (uint32_t)ceil(quantity * (over < 2 ? over : 2));
	return n > quantity ? n : quantity + 1;
}

/* Not so few that each had what was too much for it before. */
static uint32_t
keep_spare(struct autoscale *as, const struct autoscale_how *how,
    const struct sums *sums, uint32_t n)
{
	uint64_t now = as->samples[0].now;

	if (as->hot > 0 &&
	    now - as->hot_at > (uint64_t)HOT_LASTS * how->window * SECOND)
		as->hot = 0;
	while (as->hot > 0 && n < as->samples[0].quantity &&
	       sums->rate > n * as->hot * SPARE)
		n++;
	return n;
}

static uint32_t
recommend(struct autoscale *as, const struct autoscale_how *how,
    const struct sums *sums, char why[AUTOSCALE_WHY_MAX])
{
	uint32_t quantity = as->samples[0].quantity, n, m;
	char unused[AUTOSCALE_WHY_MAX];

	n = by_concurrency(how, sums, quantity, why);
	m = by_p95(as, how, sums, n > quantity ? unused : why);
	if (m > n)
		n = m;
	if (n < quantity)
		n = keep_spare(as, how, sums, n > 0 ? n : 1);
	return n < how->min ? how->min : n > how->max ? how->max : n;
}

/* ---- the window ---------------------------------------------------------- */

static void
note(struct autoscale *as, const struct autoscale_how *how, uint32_t n)
{
	uint64_t len = how->window * SECOND / AUTOSCALE_PARTS;
	uint64_t now = as->samples[0].now;

	if (as->began == 0) {
		as->began = now;
		as->parts[0] = n;
	}
	while (now - as->began >= len) {
		memmove(&as->parts[1], &as->parts[0],
		    AUTOSCALE_PARTS * sizeof(as->parts[0]));
		if (as->nparts < AUTOSCALE_PARTS)
			as->nparts++;
		as->parts[0] = n;
		as->began += len;
	}
	if (as->parts[0] < n)
		as->parts[0] = n;
}

/* UINT32_MAX until a whole window is known. */
static uint32_t
most_asked(const struct autoscale *as)
{
	uint32_t most = 0;
	size_t i;

	if (as->nparts < AUTOSCALE_PARTS)
		return UINT32_MAX;
	for (i = 0; i <= AUTOSCALE_PARTS; i++)
		if (as->parts[i] > most)
			most = as->parts[i];
	return most;
}

/* ---- the decision -------------------------------------------------------- */

/* Those that were asked for before are there, or had their time. */
static int
may_grow(const struct autoscale *as)
{
	const struct autoscale_sample *last = &as->samples[0];

	return as->n >= 2 &&
	       (last->ready >= last->quantity || as->changed == 0 ||
		   last->now - as->changed >= START_US);
}

static uint32_t
grow(struct autoscale *as, const struct sums *sums, uint32_t n)
{
	uint32_t quantity = as->samples[0].quantity, most = quantity * 2;

	if (most < quantity + 4)
		most = quantity + 4;
	/* Of a few long requests it is no measure. */
	if (sums->busiest >= 1) {
		as->hot = sums->busiest;
		as->hot_at = as->samples[0].now;
	}
	as->changed = as->samples[0].now;
	return n < most ? n : most;
}

uint32_t
autoscale_decide(struct autoscale *as, const struct autoscale_how *how,
    const struct autoscale_sample *sample, char why[AUTOSCALE_WHY_MAX])
{
	uint32_t n, most;
	struct sums sums;

	why[0] = '\0';
	push(as, sample);
	sum_up(as, &sums);
	n = recommend(as, how, &sums, why);
	note(as, how, n);
	if (n > sample->quantity)
		return may_grow(as) ? grow(as, &sums, n) : sample->quantity;
	most = most_asked(as);
	if (most >= sample->quantity)
		return sample->quantity;
	snprintf(why, AUTOSCALE_WHY_MAX,
	    "%.0f requests at once, and never more than %u asked for in %u s",
	    sums.in_flight, most, how->window);
	as->changed = sample->now;
	return most;
}
