#include <stdlib.h>
#include <string.h>

#include "drain/drain.h"

void
queue_init(struct queue *q)
{
	STAILQ_INIT(&q->lines);
	q->bytes = q->count = 0;
}

static void
queue_pop(struct queue *q)
{
	struct queue_line *line = STAILQ_FIRST(&q->lines);

	STAILQ_REMOVE_HEAD(&q->lines, entry);
	q->bytes -= line->head.len;
	q->count--;
	free(line);
}

void
queue_clear(struct queue *q)
{
	while (!STAILQ_EMPTY(&q->lines))
		queue_pop(q);
}

void
queue_drop(struct queue *q, uint64_t seq)
{
	while (!STAILQ_EMPTY(&q->lines) && STAILQ_FIRST(&q->lines)->seq <= seq)
		queue_pop(q);
}

static int
queue_add_one(struct queue *q, const struct drain_line *head, uint64_t seq,
    const char *data)
{
	struct queue_line *line;
	char *at;

	line = malloc(sizeof(*line) + head->name + 1U + head->len);
	if (line == NULL)
		return -1;
	at = (char *)(line + 1);
	line->seq = seq;
	line->head = *head;
	line->name = at;
	memcpy(at, data, head->name);
	at += head->name;
	*at++ = '\0';
	line->text = at;
	memcpy(at, data + head->name, head->len);
	STAILQ_INSERT_TAIL(&q->lines, line, entry);
	q->bytes += head->len;
	q->count++;
	return 0;
}

int
queue_add(struct queue *q, const struct drain_head *message,
    const char *payload, size_t len)
{
	struct drain_line head;
	uint32_t i;

	for (i = 0; i < message->count; i++) {
		if (len < sizeof(head))
			return -1;
		memcpy(&head, payload, sizeof(head));
		payload += sizeof(head);
		len -= sizeof(head);
		if ((size_t)head.name + head.len > len ||
		    q->bytes > 2 * DRAIN_WINDOW_BYTES ||
		    q->count > 2 * DRAIN_WINDOW_LINES ||
		    queue_add_one(q, &head, message->seq + i, payload) == -1)
			return -1;
		payload += head.name + head.len;
		len -= head.name + head.len;
	}
	return len == 0 ? 0 : -1;
}
