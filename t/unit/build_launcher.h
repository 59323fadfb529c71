/*
 * The launcher, played for builds: on its socket, with processes that end as
 * they are told to, and folders for what is built.
 */
#ifndef PAAS_BUILD_LAUNCHER_H
#define PAAS_BUILD_LAUNCHER_H

#include "store_fixture.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

#include "common/conf.h"
#include "launcher/protocol.h"
#include "node/node.h"
#include "node/proc.h"

/* What a sandbox does; DROPS: the connection is lost over its first start. */
enum manner { ENDS, FAILS, HANGS, DROPS };

struct play {
	enum manner build, check;
	int seal;    /* errno; of the first one only, unless it is EIO */
	int discard; /* of the first one */
};

#define PLAYED_MAX 16
#define PLAYED_HASH                        \
	"0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

static struct play played;
static struct launch_record played_records[PLAYED_MAX];
static struct conf conf;
static sd_event *event;
static int listener = -1, link_fd = -1;
static sd_event_source *listen_source, *link_source;

static struct launch_record *
played_find(uint64_t id)
{
	size_t i;

	for (i = 0; i < PLAYED_MAX; i++)
		if (played_records[i].id == id)
			return &played_records[i];
	return NULL;
}

static int
played_count(void)
{
	int i, n = 0;

	for (i = 0; i < PLAYED_MAX; i++)
		n += played_records[i].id != 0;
	return n;
}

/* How many things are in a folder. */
static int
played_entries(const char *name)
{
	char path[400];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", conf.state_dir, name);
	assert_non_null(dir = opendir(path));
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void played_write(const char *path, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
played_write(const char *path, const char *fmt, ...)
{
	FILE *f = fopen(path, "we");
	va_list ap;

	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	assert_int_equal(0, fclose(f));
}

static void
played_exit(uint64_t id, const char *how, int status)
{
	char path[400], boot[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	assert_non_null(f);
	assert_non_null(fgets(boot, sizeof(boot), f));
	fclose(f);
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/exit/%016" PRIx64, conf.run_dir, id);
	played_write(path, "%s how=%s status=%d oom=0 dropped=0 time=1\n", boot,
	    how, status);
}

static void
played_log(uint64_t id, uint32_t kind, enum manner manner)
{
	static const char *const texts[2][2] = {
	    {"-----> Done", " !     It does not build."},
	    {"{\"hash\":\"" PLAYED_HASH "\",\"bytes\":12,\"entries\":3,"
	     "\"archive\":5,\"types\":{\"web\":\"x\"},\"buildpack\":\"Any\"}",
		"{\"error\":\"It is too large.\"}"},
	};
	char path[400];

	snprintf(path, sizeof(path),
	    "%s/log/0000000000000007/%016" PRIx64 ".log", conf.state_dir, id);
	played_write(path, "2026-11-22T12:00:00.123456Z o %s\n",
	    texts[kind == LAUNCH_INSPECT][manner == FAILS]);
}

static void
played_folder(char *path, size_t len, uint64_t build)
{
	snprintf(path, len, "%s/builds/%016" PRIx64, conf.state_dir, build);
}

/* Returns its record. */
static struct launch_record *
played_begin(uint64_t id, uint64_t build, uint32_t kind)
{
	enum manner manner =
	    kind == LAUNCH_INSPECT ? played.check : played.build;
	struct launch_record *record = played_find(0);
	char path[400];

	assert_non_null(record);
	played_folder(path, sizeof(path), build);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	memset(record, 0, sizeof(*record));
	record->id = id;
	record->app = 7;
	record->build = build;
	record->kind = kind;
	record->slot = 10 + (uint32_t)(record - played_records);
	if (manner != HANGS) {
		played_log(id, kind, manner);
		played_exit(id, "exited", manner == FAILS);
	}
	record->pid = fork();
	assert_true(record->pid >= 0);
	if (record->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		closefrom(3);
		while (manner == HANGS)
			pause();
		_exit(0);
	}
	assert_int_equal(0, proc_starttime(record->pid, &record->starttime));
	record->state = LAUNCH_RUNNING;
	return record;
}

static void
played_look(struct launch_record *record)
{
	if (record->state == LAUNCH_RUNNING &&
	    waitpid(record->pid, NULL, WNOHANG) == record->pid)
		record->state = LAUNCH_EXITED;
}

static int
played_kill(uint64_t id)
{
	struct launch_record *record = played_find(id);
	enum manner manner;

	if (record == NULL)
		return ENOENT;
	played_look(record);
	manner = record->kind == LAUNCH_INSPECT ? played.check : played.build;
	if (record->state != LAUNCH_RUNNING || manner != HANGS)
		return 0;
	played_exit(id, "killed", SIGKILL);
	assert_int_equal(0, kill(record->pid, SIGKILL));
	assert_int_equal(record->pid, waitpid(record->pid, NULL, 0));
	record->state = LAUNCH_EXITED;
	return 0;
}

static int
played_clean(uint64_t id)
{
	struct launch_record *record = played_find(id);
	char path[400];

	if (record == NULL)
		return ENOENT;
	played_look(record);
	if (record->state != LAUNCH_EXITED)
		return EBUSY;
	snprintf(path, sizeof(path), "%s/exit/%016" PRIx64, conf.run_dir, id);
	(void)unlink(path);
	memset(record, 0, sizeof(*record));
	return 0;
}

static int
played_seal(uint64_t build)
{
	char path[400];
	int error = played.seal;

	if (error != EIO)
		played.seal = 0;
	if (error != 0)
		return error;
	played_folder(path, sizeof(path), build);
	if (access(path, F_OK) == -1)
		return ENOENT;
	snprintf(path, sizeof(path), "%s/slugs/" PLAYED_HASH, conf.state_dir);
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

static int
played_remove(const char *path)
{
	return rmdir(path) == 0 || errno == ENOENT ? 0 : errno;
}

/* The node asks for that, too, of what a manager before it left. */
static int
played_discard(uint64_t build)
{
	char path[400];
	int error = played.discard;

	played_folder(path, sizeof(path), build);
	if (error == 0 || access(path, F_OK) == -1)
		return played_remove(path);
	played.discard = 0;
	return error;
}

static int
played_drop(void)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/slugs/" PLAYED_HASH, conf.state_dir);
	return played_remove(path);
}

static void
link_close(void)
{
	link_source = sd_event_source_disable_unref(link_source);
	if (link_fd != -1)
		close(link_fd);
	link_fd = -1;
}

/* Whoever asked may have been killed meanwhile. */
static void
reply_send(const struct launch_reply *reply)
{
	(void)!send(link_fd, reply, sizeof(*reply), MSG_NOSIGNAL);
}

static void
played_list(struct launch_reply *reply)
{
	size_t i;

	for (i = 0; i < PLAYED_MAX; i++) {
		if (played_records[i].id == 0)
			continue;
		played_look(&played_records[i]);
		reply->record = played_records[i];
		reply_send(reply);
	}
	memset(&reply->record, 0, sizeof(reply->record));
	reply->op = LAUNCH_END;
}

/* 1 if the connection is lost over it. */
static int
played_start(const struct launch_start *start, struct launch_reply *reply)
{
	enum manner *manner =
	    start->kind == LAUNCH_INSPECT ? &played.check : &played.build;
	struct launch_record *record;

	if (*manner == DROPS) {
		*manner = ENDS;
		return 1;
	}
	assert_null(played_find(start->id));
	record = played_begin(start->id, start->build, start->kind);
	record->slot = start->slot;
	reply->record = *record;
	return 0;
}

static void
played_answer(const struct launch_request *req)
{
	struct launch_reply reply = {
	    .version = LAUNCH_VERSION, .op = req->op, .seq = req->seq};

	switch (req->op) {
	case LAUNCH_START:
		if (played_start(&req->u.start, &reply)) {
			link_close();
			return;
		}
		break;
	case LAUNCH_KILL:
		reply.error = played_kill(req->u.id);
		break;
	case LAUNCH_CLEAN:
		reply.error = played_clean(req->u.id);
		break;
	case LAUNCH_SEAL:
		reply.error = played_seal(req->u.seal.build);
		break;
	case LAUNCH_DISCARD:
		reply.error = played_discard(req->u.id);
		break;
	case LAUNCH_DROP_SLUG:
	case LAUNCH_DROP_TREE:
		reply.error = played_drop();
		break;
	case LAUNCH_LIST:
		played_list(&reply);
		break;
	default:
		fail_msg("op %u", req->op);
	}
	reply_send(&reply);
}

static int
link_read(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct launch_request req;
	struct iovec iov = {&req, sizeof(req)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	int memfd;

	(void)source, (void)events, (void)arg;
	if (recvmsg(fd, &msg, 0) <= 0) {
		link_close();
		return 0;
	}
	if (CMSG_FIRSTHDR(&msg) != NULL) {
		memcpy(&memfd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
		close(memfd);
	}
	played_answer(&req);
	return 0;
}

static int
link_accept(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source, (void)events, (void)arg;
	link_close();
	link_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link_fd >= 0);
	assert_true(sd_event_add_io(event, &link_source, link_fd, EPOLLIN,
			link_read, NULL) >= 0);
	return 0;
}

/* A folder of its own, too. */
static int
launcher_up(void)
{
	static const char *const folders[] = {"store", "exit", "uploads",
	    "builds", "slugs", "log", "log/0000000000000007"};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/paas_unit.XXXXXX", path[400];
	size_t i;

	if (mkdtemp(dir) == NULL)
		return -1;
	strlcpy(conf.run_dir, dir, sizeof(conf.run_dir));
	strlcpy(conf.state_dir, dir, sizeof(conf.state_dir));
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		if (mkdir(path, 0700) == -1)
			return -1;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/launcher.sock", dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		       listen(listener, 4) == 0 &&
		       sd_event_add_io(event, &listen_source, listener, EPOLLIN,
			   link_accept, NULL) >= 0
		   ? 0
		   : -1;
}

static void
launcher_down(void)
{
	size_t i;

	listen_source = sd_event_source_disable_unref(listen_source);
	close(listener);
	link_close();
	for (i = 0; i < PLAYED_MAX; i++)
		(void)played_kill(played_records[i].id);
	nftw(conf.run_dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
