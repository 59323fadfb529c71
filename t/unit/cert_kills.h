/*
 * For cert_stage.c: kills the manager at three points of each kind of change
 * of certificates: it is in the store and nothing of it is chosen; it is in the
 * transaction of the certificate database; and that is committed.  All the
 * while readers find what was there before or what is to be there.
 *
 * Needs --wrap of cert_choose and of routing_db_commit.
 */
#ifndef PAAS_CERT_KILLS_H
#define PAAS_CERT_KILLS_H

#include "kills_fixture.h"
#include "routing/cert_write.h"

enum kill_point { STORED, CHOSEN, WRITTEN, KILL_POINTS };

static const char *const kill_points[KILL_POINTS] = {"when it is in the store",
    "before the certificates are committed",
    "when the certificates are committed"};

struct kill_row {
	const char *what, *host;
	void (*prepare)(struct fixture *); /* nobody runs; or NULL */
	void (*cause)(struct fixture *);   /* NULL: its start is enough */
	const char *before, *after;
	uint64_t ncerts; /* in the end */
	int anew;        /* readers get it after the last commit */
};

/* ---- causes -------------------------------------------------------------- */

static void
better_cert(struct fixture *fx)
{
	put_cert(fx, "shop", "two", 0x13, "[\"www.example.com\"]", 99, 0);
}

static void
no_cert(struct fixture *fx)
{
	del_cert(fx, "shop", "one");
}

static void
one_host_more(struct fixture *fx)
{
	put_domain(fx, "c.star.org", "shop");
}

static void
no_app(struct fixture *fx)
{
	fixture_del(fx, "app/shop");
}

static void
rubbish(struct fixture *fx)
{
	write_file(fx, "data.mdb", "rubbish");
}

static const struct kill_row kill_rows[] = {
    {"a better certificate", "www.example.com", NULL, better_cert, "one", "two",
	3, 0},
    {"a certificate that goes", "www.example.com", NULL, no_cert, "one", "-", 1,
	0},
    {"a host below a wildcard", "c.star.org", NULL, one_host_more, "-", "star",
	2, 0},
    {"an app that goes", "www.example.com", NULL, no_app, "one", "-", 2, 0},
    {"rubbish in its place", "www.example.com", rubbish, NULL, "no database",
	"one", 2, 1},
};

#define KILL_ROWS (sizeof(kill_rows) / sizeof(kill_rows[0]))

/* ---- the points ---------------------------------------------------------- */

static struct kills_self kill_self;
static const struct kill_row *aim; /* NULL: nothing is killed */
static int aim_hit;

static void
kill_at_point(enum kill_point point)
{
	if (kill_self.point == (size_t)point)
		(void)kill(getpid(), SIGKILL);
}

struct cert_choice __real_cert_choose(
    struct cert_index *, struct store *, const struct conf *, const char *);
struct cert_choice __wrap_cert_choose(
    struct cert_index *, struct store *, const struct conf *, const char *);
int __real_routing_db_commit(struct routing_db *, uint64_t);
int __wrap_routing_db_commit(struct routing_db *, uint64_t);

struct cert_choice
__wrap_cert_choose(struct cert_index *index, struct store *store,
    const struct conf *c, const char *host)
{
	if (aim != NULL && strcmp(aim->host, host) == 0) {
		kill_at_point(STORED);
		aim_hit = 1;
	}
	return __real_cert_choose(index, store, c, host);
}

int
__wrap_routing_db_commit(struct routing_db *db, uint64_t revision)
{
	int rc;

	if (aim_hit)
		kill_at_point(CHOSEN);
	rc = __real_routing_db_commit(db, revision);
	if (aim_hit)
		kill_at_point(WRITTEN);
	return rc;
}

/* ---- one point ----------------------------------------------------------- */

/* What nobody changes is there, and the rest as it was or as it will be. */
static void
check_readers(struct fixture *fx, const struct kill_row *row)
{
	const char *now = served_now(fx, row->host);

	if (strcmp(now, row->before) != 0)
		assert_string_equal(row->after, now);
	now = served_now(fx, "b.star.org");
	if (row->cause != no_app && strcmp(now, "no database") != 0)
		assert_string_equal("star", now);
}

static void
kill_child(struct fixture *fx, const struct kill_row *row)
{
	kills_child();
	fixture_open(fx);
	if (row->cause == NULL)
		aim = row;
	start(fx);
	aim = row;
	if (row->cause != NULL)
		row->cause(fx);
	while (sd_event_run(fx->loop, 100000) >= 0)
		;
	_exit(3);
}

static void
kill_prepare(struct fixture *fx, const struct kill_row *row)
{
	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_domain(fx, "b.star.org", "shop");
	put_cert(fx, "shop", "one", 0x11, "[\"www.example.com\"]", 9, 0);
	put_cert(fx, "shop", "star", 0x12, "[\".star.org\"]", 9, 0);
	wait_served(fx, "b.star.org", "star");
	wait_served(fx, "www.example.com", "one");
	stop();
	if (row->prepare != NULL)
		row->prepare(fx);
	assert_string_equal(row->before, served_now(fx, row->host));
	fixture_close(fx);
}

static void
killed_at_one_point(void **state)
{
	const struct kill_row *row = &kill_rows[kill_self.row];
	struct fixture *fx = *state;
	time_t end = time(NULL) + KILL_LIMIT_S;
	int written;
	pid_t kid;

	kill_prepare(fx, row);
	kid = fork();
	assert_true(kid >= 0);
	if (kid == 0)
		kill_child(fx, row);
	kills_wait(kid);
	written = kill_self.point == WRITTEN && !row->anew;
	assert_string_equal(
	    written ? row->after : row->before, served_now(fx, row->host));
	fixture_open(fx);
	start(fx);
	while (time(NULL) < end &&
	       (strcmp(served_now(fx, row->host), row->after) != 0 ||
		   meta_of(fx).ncerts != row->ncerts)) {
		check_readers(fx, row);
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	}
	check_readers(fx, row);
	assert_string_equal(row->after, served_now(fx, row->host));
	assert_int_equal(row->ncerts, meta_of(fx).ncerts);
}

/* In a process of its own; the exit status. */
static int
kill_main(void)
{
	const struct CMUnitTest one[] = {cmocka_unit_test_setup_teardown(
	    killed_at_one_point, setup, teardown)};

	return cmocka_run_group_tests_name("one", one, NULL, NULL);
}

static const char *
kill_describe(size_t row)
{
	return kill_rows[row].what;
}

static void
killed_at_each_change(void **state)
{
	(void)state;
	kills_run(KILL_ROWS, KILL_POINTS, kill_points, kill_describe);
}

#endif
