/*
 * POST of many lines at a time, as logplex does it.  A batch that failed goes
 * out again with its Logplex-Frame-Id, by which a receiver knows it.
 */
#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "drain/drain.h"

#define BATCH_LINES 1000
#define BATCH_BYTES (256 * 1024)
#define TOTAL_S     30L

/* What a receiver says beside its status is nothing to us. */
static size_t
answer_ignore(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

/* Does the line go into the batch, or into the one that is sent again? */
static int
batch_takes(const struct target *t, const struct queue_line *line)
{
	if (t->batch_last != 0)
		return line->seq <= t->batch_last;
	return t->batch_count < BATCH_LINES && t->frame.len < BATCH_BYTES;
}

static int
https_batch(struct target *t)
{
	struct queue_line *line;
	uint64_t last = 0;
	uint8_t id[16];
	size_t i;

	t->frame.len = 0;
	t->batch_count = 0;
	STAILQ_FOREACH (line, &t->queue.lines, entry) {
		if (!batch_takes(t, line))
			break;
		if (frame_add(&t->frame, line, t->token, 1) == -1)
			return -1;
		t->batch_count++;
		last = line->seq;
	}
	if (t->batch_last != 0)
		return 0;
	t->batch_last = last;
	arc4random_buf(id, sizeof(id));
	for (i = 0; i < sizeof(id); i++)
		snprintf(t->frame_id + 2 * i, 3, "%02x", id[i]);
	return 0;
}

static int
https_headers(struct target *t)
{
	char lines[3][160];
	struct curl_slist *grown;
	size_t i;

	static const char *const fixed[] = {
	    "Content-Type: application/logplex-1", "Expect:", "Accept:"};

	curl_slist_free_all(t->headers);
	t->headers = NULL;
	snprintf(lines[0], sizeof(lines[0]), "Logplex-Msg-Count: %u",
	    t->batch_count);
	snprintf(
	    lines[1], sizeof(lines[1]), "Logplex-Frame-Id: %s", t->frame_id);
	snprintf(
	    lines[2], sizeof(lines[2]), "Logplex-Drain-Token: %s", t->token);
	for (i = 0; i < 6; i++) {
		grown = curl_slist_append(
		    t->headers, i < 3 ? fixed[i] : lines[i - 3]);
		if (grown == NULL)
			return -1;
		t->headers = grown;
	}
	return 0;
}

void
https_turn(struct target *t, int64_t *wait)
{
	(void)wait;
	if (t->easy != NULL || STAILQ_EMPTY(&t->queue.lines))
		return;
	if (https_batch(t) == -1 || https_headers(t) == -1 ||
	    (t->easy = target_easy(t, t->url)) == NULL) {
		target_failed(t, "out of memory");
		return;
	}
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, TOTAL_S);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "paas-drain");
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->frame.data);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)t->frame.len);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, answer_ignore);
	if (curl_multi_add_handle(t->helper->multi, t->easy) != CURLM_OK) {
		target_drop_easy(t);
		target_failed(t, "out of memory");
	}
}

/* What a receiver refuses for good, it would refuse for ever. */
static int
refused(long status)
{
	return status >= 400 && status < 500 && status != 401 &&
	       status != 403 && status != 404 && status != 408 && status != 429;
}

void
https_done(struct target *t, CURLcode code)
{
	uint64_t last = t->batch_last;
	char why[CURL_ERROR_SIZE];
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	snprintf(why, sizeof(why), "%s",
	    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	target_drop_easy(t);
	if (code == CURLE_OK && status >= 200 && status < 300) {
		t->batch_last = 0;
		target_delivered(t, last);
		return;
	}
	if (code == CURLE_OK)
		snprintf(why, sizeof(why), "the answer was %ld", status);
	if (code == CURLE_OK && refused(status)) {
		t->batch_last = 0;
		target_refused(t, last, t->batch_count, why);
		return;
	}
	target_failed(t, why);
}
