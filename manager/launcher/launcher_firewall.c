#include "launcher/launcher_firewall.h"

#include <sys/prctl.h>

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "launcher/launcher_net.h"
#include "launcher/launcher_nft.h"

/* By this comment a platform's table is told from an operator's. */
#define TABLE_COMMENT "ngx_paas instances"

/*
 * Where no packet of an app goes, unless conf.allow_out has it: everything
 * is private, shared, link-local or otherwise of this machine's own world.
 * The networks reserved for documentation are not: they lead nowhere, or to
 * what somebody put there on purpose.
 */
static const char not_public[] =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, "
    "172.16.0.0/12, 192.0.0.0/24, 192.88.99.0/24, 192.168.0.0/16, "
    "198.18.0.0/15, 224.0.0.0/3";

struct firewall {
	const struct conf *conf;
	struct records *records;
	struct nft_ctx *nft;
	struct mnl_socket *watch;
	uint32_t self; /* our pid to the kernel: in a container not getpid() */
	int touched;   /* in the batch that is being read */
	int again;     /* the table must be loaded anew */
};

struct text {
	char *at;
	size_t len;
	FILE *f;
};

static int
text_open(struct text *t)
{
	t->f = open_memstream(&t->at, &t->len);
	return t->f == NULL ? -ENOMEM : 0;
}

/* Runs what was written as one transaction. */
static int
text_run(struct firewall *fw, struct text *t)
{
	const char *why;
	int error = 0;

	if (fclose(t->f) != 0) {
		free(t->at);
		return -ENOMEM;
	}
	if (nft_run(fw->nft, t->at) != 0) {
		why = nft_ctx_get_error_buffer(fw->nft);
		log_err("nftables refuses table %s: %.200s",
		    fw->conf->nft_table, why);
		error = -EIO;
	}
	free(t->at);
	return error;
}

static void
element_print(FILE *f, const struct conf *conf, uint32_t slot)
{
	struct in_addr addr = conf_slot_addr(conf, slot);
	char text[INET_ADDRSTRLEN], name[IFNAMSIZ];

	net_ifname(name, conf, slot);
	inet_ntop(AF_INET, &addr, text, sizeof(text));
	fprintf(f, "\"%s\" . %s", name, text);
}

/* What networks_check() has passed. */
static void
networks_print(FILE *f, const char *list)
{
	const char *before = " elements = { ";
	size_t len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, ", \t");
		if ((len = strcspn(list, ", \t")) == 0)
			continue;
		fprintf(f, "%s%.*s", before, (int)len, list);
		before = ", ";
	}
	if (*before == ',')
		fprintf(f, " }\n");
}

static void
sets_print(FILE *f, struct firewall *fw)
{
	const struct conf *conf = fw->conf;
	const char *comma = "";
	struct record *r;

	fprintf(f,
	    "set public_not { type ipv4_addr; flags interval; auto-merge;\n"
	    " elements = { %s } }\n"
	    "set allow_out { type ipv4_addr; flags interval; auto-merge;\n",
	    not_public);
	networks_print(f, conf->allow_out);
	fprintf(f, "}\nset sources { typeof iifname . ip saddr;\n");
	RB_FOREACH (r, records, fw->records) {
		if (!kind_networked(r->launch.kind))
			continue;
		fprintf(f, "%s", *comma == '\0' ? " elements = { " : comma);
		element_print(f, conf, r->launch.slot);
		comma = ", ";
	}
	fprintf(f, "%s}\n", *comma == '\0' ? "" : " }\n");
}

/*
 * The machine's connection tracking is one table for all: without a bound an
 * instance fills it in a second, and nobody gets through any more.  So many
 * at once, as many in a burst, and 1/FLOWS_SHARE of them a second.  Those
 * that are confirmed have been counted, but are "new" until answered.
 */
#define FLOWS_SHARE 32

static void
flows_print(FILE *f, const struct conf *conf)
{
	fprintf(f,
	    "set hasty { typeof iifname; size 65536; flags dynamic; }\n"
	    "set busy { typeof iifname; size 65536; flags dynamic; }\n"
	    "chain flows { ct status & confirmed == confirmed return\n"
	    " add @hasty { iifname limit rate over %" PRIu32
	    "/second burst %" PRIu32 " packets } drop\n"
	    " add @busy { iifname ct count over %" PRIu32 " } drop\n}\n",
	    conf->instance_flows / FLOWS_SHARE, conf->instance_flows,
	    conf->instance_flows);
}

/*
 * "reply" and not "established": what an instance opened while the table was
 * away does not go on once it is back.
 */
static void
chains_print(FILE *f, const struct conf *conf, const char *gateway)
{
	const char *p = conf->if_prefix;

	fprintf(f,
	    "chain source { type filter hook prerouting priority -150;\n"
	    " iifname != \"%s" NET_IF "*\" return\n"
	    " ct state new jump flows\n"
	    " iifname . ip saddr @sources meta mark set meta mark | 0x%x"
	    " return\n"
	    " drop\n}\n"
	    "chain inward { ct direction reply ct state established,related"
	    " accept\n"
	    " ct state related accept\n"
	    " drop\n}\n",
	    p, NET_MARK);
	fprintf(f,
	    "chain outward {\n"
	    " oifname \"%s" NET_IF "*\" reject with icmp admin-prohibited\n"
	    " ip daddr @allow_out accept\n"
	    " ip daddr @public_not reject with icmp admin-prohibited\n"
	    " accept\n}\n"
	    "chain forwarded { type filter hook forward priority 0;\n"
	    " iifname \"%s" NET_IF "*\" goto outward\n"
	    " oifname \"%s" NET_IF "*\" goto inward\n}\n",
	    p, p, p);
	fprintf(f,
	    "chain to_host {\n"
	    " ct direction reply ct state established,related accept\n"
	    " ip daddr %s udp dport 53 accept\n"
	    " ip daddr %s tcp dport 53 accept\n"
	    " reject with icmp admin-prohibited\n}\n"
	    "chain local { type filter hook input priority 0;\n"
	    " iifname \"%s" NET_IF "*\" goto to_host\n}\n",
	    gateway, gateway, p);
	fprintf(f,
	    "chain masked { type nat hook postrouting priority 100;\n"
	    " meta mark & 0x%x == 0x%x oifname != \"%s" NET_IF
	    "*\" masquerade\n}\n",
	    NET_MARK, NET_MARK, p);
}

int
firewall_load(struct firewall *fw)
{
	const struct conf *conf = fw->conf;
	struct in_addr addr = conf_slot_addr(conf, 1);
	char gateway[INET_ADDRSTRLEN];
	struct text t;

	if (text_open(&t) != 0)
		return -ENOMEM;
	inet_ntop(AF_INET, &addr, gateway, sizeof(gateway));
	/* Added first, so that deleting it can't fail. */
	fprintf(t.f,
	    "add table inet %s\ndelete table inet %s\ntable inet %s {\n"
	    "comment \"" TABLE_COMMENT "\"\n",
	    conf->nft_table, conf->nft_table, conf->nft_table);
	sets_print(t.f, fw);
	flows_print(t.f, conf);
	chains_print(t.f, conf, gateway);
	fprintf(t.f, "}\n");
	return text_run(fw, &t);
}

static int
firewall_change(struct firewall *fw, uint32_t slot, int add)
{
	struct text t;

	if (text_open(&t) != 0)
		return -ENOMEM;
	/* Added before it is deleted: then it surely is there. */
	fprintf(t.f, "add element inet %s sources { ", fw->conf->nft_table);
	element_print(t.f, fw->conf, slot);
	fprintf(t.f, " }\n");
	if (!add) {
		fprintf(t.f, "delete element inet %s sources { ",
		    fw->conf->nft_table);
		element_print(t.f, fw->conf, slot);
		fprintf(t.f, " }\n");
	}
	return text_run(fw, &t);
}

int
firewall_add(struct firewall *fw, uint32_t slot)
{
	return firewall_change(fw, slot, 1);
}

int
firewall_remove(struct firewall *fw, uint32_t slot)
{
	return firewall_change(fw, slot, 0);
}

/*
 * "a.b.c.d/n, a.b.c.d", with commas or blanks: nothing else gets into the text
 * that nftables reads.
 */
static int
networks_check(const char *list)
{
	char buf[sizeof(((struct conf *)0)->allow_out)], *at, *next, *slash;
	const char *bad;
	struct in_addr in;

	strlcpy(buf, list, sizeof(buf));
	for (next = buf; (at = strsep(&next, ", \t")) != NULL;) {
		if (*at == '\0')
			continue;
		if ((slash = strchr(at, '/')) != NULL) {
			*slash++ = '\0';
			(void)strtonum(slash, 1, 32, &bad);
			if (bad != NULL)
				return -1;
		}
		if (inet_pton(AF_INET, at, &in) != 1)
			return -1;
	}
	return 0;
}

static int
word_check(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
		       '\0'
		   ? 0
		   : -1;
}

int
firewall_check(const struct conf *conf, char err[PAAS_ERRLEN])
{
	char name[64];

	if (conf->allow_out[0] != '\0' &&
	    networks_check(conf->allow_out) == -1) {
		snprintf(err, PAAS_ERRLEN,
		    "allow_out takes networks like 10.1.0.0/16, with commas "
		    "or blanks between them");
		return -1;
	}
	if (snprintf(name, sizeof(name), "%s" NET_IF "%" PRIu32,
		conf->if_prefix, conf_slot_last(conf)) >= IFNAMSIZ) {
		snprintf(err, PAAS_ERRLEN,
		    "if_prefix is too long for the slots of this subnet");
		return -1;
	}
	if (word_check(conf->nft_table) == 0 &&
	    word_check(conf->if_prefix) == 0)
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "nft_table and if_prefix take letters, digits, '_' and '-'");
	return -1;
}

static int
watch_open(struct firewall *fw)
{
	int group = NFNLGRP_NFTABLES;

	fw->watch =
	    mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fw->watch == NULL)
		return -errno;
	if (mnl_socket_bind(fw->watch, 0, MNL_SOCKET_AUTOPID) == -1 ||
	    mnl_socket_setsockopt(
		fw->watch, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == -1)
		return -errno;
	return 0;
}

struct firewall *
firewall_open(
    const struct conf *conf, struct records *records, char err[PAAS_ERRLEN])
{
	struct firewall *fw;

	if ((fw = calloc(1, sizeof(*fw))) == NULL ||
	    (fw->nft = nft_ctx_new(NFT_CTX_DEFAULT)) == NULL) {
		free(fw);
		snprintf(err, PAAS_ERRLEN, "nftables: out of memory");
		return NULL;
	}
	fw->conf = conf;
	fw->records = records;
	nft_ctx_buffer_error(fw->nft);
	nft_ctx_buffer_output(fw->nft);
	if (watch_open(fw) == 0)
		return fw;
	snprintf(err, PAAS_ERRLEN, "nftables: %s", strerror(errno));
	firewall_close(fw);
	return NULL;
}

void
firewall_close(struct firewall *fw)
{
	if (fw == NULL)
		return;
	if (fw->watch != NULL)
		mnl_socket_close(fw->watch);
	nft_ctx_free(fw->nft);
	free(fw);
}

int
firewall_fd(const struct firewall *fw)
{
	return mnl_socket_get_fd(fw->watch);
}

struct change {
	const struct firewall *fw;
	int ours;     /* names our table */
	uint32_t pid; /* of whoever made the batch */
	char name[16];
};

static int
change_attr(const struct nlattr *attr, void *arg)
{
	struct change *c = arg;
	int type = mnl_attr_get_type(attr);

	/* Attribute 1 is the table's name in all messages but NEWGEN. */
	if (type == NFTA_TABLE_NAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	    strcmp(mnl_attr_get_str(attr), c->fw->conf->nft_table) == 0)
		c->ours = 1;
	return MNL_CB_OK;
}

static int
generation_attr(const struct nlattr *attr, void *arg)
{
	struct change *c = arg;
	int type = mnl_attr_get_type(attr);

	if (type == NFTA_GEN_PROC_PID &&
	    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		c->pid = ntohl(mnl_attr_get_u32(attr));
	if (type == NFTA_GEN_PROC_NAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		(void)strlcpy(c->name, mnl_attr_get_str(attr), sizeof(c->name));
	return MNL_CB_OK;
}

/* The first to change the table by our name is us: we do so at our start. */
static int
made_by_us(struct firewall *fw, const struct change *c)
{
	char name[16] = "";

	if (fw->self == 0 && prctl(PR_GET_NAME, name) == 0 &&
	    strcmp(c->name, name) == 0)
		fw->self = c->pid;
	return c->pid == fw->self;
}

/* A batch is its changes and then one NEWGEN that tells who made it. */
static int
watch_message(const struct nlmsghdr *nlh, void *arg)
{
	struct firewall *fw = arg;
	struct change c = {.fw = fw};

	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return MNL_CB_OK;
	if (NFNL_MSG_TYPE(nlh->nlmsg_type) != NFT_MSG_NEWGEN) {
		(void)mnl_attr_parse(
		    nlh, sizeof(struct nfgenmsg), change_attr, &c);
		fw->touched |= c.ours;
		return MNL_CB_OK;
	}
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), generation_attr, &c);
	if (fw->touched && !made_by_us(fw, &c))
		fw->again = 1;
	fw->touched = 0;
	return MNL_CB_OK;
}

void
firewall_watch(struct firewall *fw)
{
	char buf[16384];
	ssize_t n;

	while ((n = mnl_socket_recvfrom(fw->watch, buf, sizeof(buf))) != -1)
		(void)mnl_cb_run(buf, (size_t)n, 0, 0, watch_message, fw);
	/* Too much at once: something may have been missed. */
	if (errno == ENOBUFS)
		fw->again = 1;
	if (!fw->again)
		return;
	if (firewall_load(fw) == 0) {
		fw->again = 0;
		log_warn("table inet %s was changed from outside; it is "
			 "restored",
		    fw->conf->nft_table);
	}
}

int
firewall_purge(struct firewall *fw)
{
	struct text t;

	if (text_open(&t) != 0)
		return -ENOMEM;
	fprintf(t.f, "add table inet %s\ndelete table inet %s\n",
	    fw->conf->nft_table, fw->conf->nft_table);
	return text_run(fw, &t);
}

int
firewall_others(struct firewall *fw)
{
	if (nft_run(fw->nft, "list ruleset inet") != 0)
		return 0;
	return strstr(nft_ctx_get_output_buffer(fw->nft),
		   "comment \"" TABLE_COMMENT "\"") != NULL;
}
