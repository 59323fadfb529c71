/*
 * paas-resolve HOST OWN: asks the name servers of /etc/resolv.conf for two
 * names, and prints a line for each thing that they say of the one or the
 * other:
 *
 *   host cname NAME       it is another name for that one, in their order
 *   host address ADDRESS  IPv4 or IPv6
 *   host none             there is no such name, or it has no address
 *   host silent           nobody answers, or not what was asked
 *   own ...               the same of the second
 *
 * It gives up by itself after a few seconds.
 */
#include <netinet/in.h>
#include <sys/resource.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECONDS   6
#define ANSWER    4096
#define RECORDS   32 /* that are shown of an answer */
#define TRY_TIME  1  /* seconds a server */
#define TRY_COUNT 1

/* Ours is to ask that very name: no search list, no alias of /etc/hosts. */
static int
open_state(struct __res_state *state)
{
	memset(state, 0, sizeof(*state));
	if (res_ninit(state) == -1)
		return -1;
	state->options &= ~(RES_DNSRCH | RES_DEFNAMES);
	state->retrans = TRY_TIME;
	state->retry = TRY_COUNT;
	return 0;
}

/* Addresses of that type, and with A also what leads to them. */
static int
print_answer(const char *label, ns_msg *msg, ns_type type)
{
	char text[NS_MAXDNAME];
	int i, n = ns_msg_count(*msg, ns_s_an), found = 0;
	ns_rr rr;

	for (i = 0; i < n && i < RECORDS; i++) {
		if (ns_parserr(msg, ns_s_an, i, &rr) == -1)
			return -1;
		if (ns_rr_type(rr) == ns_t_cname && type == ns_t_a) {
			if (ns_name_uncompress(ns_msg_base(*msg),
				ns_msg_end(*msg), ns_rr_rdata(rr), text,
				sizeof(text)) == -1)
				return -1;
			printf("%s cname %s\n", label, text);
		} else if (ns_rr_type(rr) == type &&
			   ns_rr_rdlen(rr) == (type == ns_t_a ? 4 : 16) &&
			   inet_ntop(type == ns_t_a ? AF_INET : AF_INET6,
			       ns_rr_rdata(rr), text, sizeof(text)) != NULL) {
			printf("%s address %s\n", label, text);
			found = 1;
		}
	}
	return found;
}

/* 1: it has some; 0: it has none; -1: nobody says. */
static int
ask(struct __res_state *state, const char *label, const char *name,
    ns_type type)
{
	unsigned char answer[ANSWER];
	ns_msg msg;
	int n;

	n = res_nquery(state, name, ns_c_in, type, answer, sizeof(answer));
	if (n == -1)
		return state->res_h_errno == HOST_NOT_FOUND ||
			       state->res_h_errno == NO_DATA
			   ? 0
			   : -1;
	if (n > (int)sizeof(answer) || ns_initparse(answer, n, &msg) == -1)
		return -1;
	return print_answer(label, &msg, type);
}

static void
look(struct __res_state *state, const char *label, const char *name)
{
	int four = ask(state, label, name, ns_t_a), six = -1;

	if (four != -1)
		six = ask(state, label, name, ns_t_aaaa);
	if (four == -1)
		printf("%s silent\n", label);
	else if (four == 0 && six != 1)
		printf("%s none\n", label);
	(void)fflush(stdout);
}

int
main(int argc, char *argv[])
{
	const struct rlimit none = {0, 0};
	struct __res_state state;

	if (argc != 3)
		return 2;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)alarm(SECONDS);
	if (open_state(&state) == -1)
		return 1;
	look(&state, "host", argv[1]);
	look(&state, "own", argv[2]);
	res_nclose(&state);
	return 0;
}
