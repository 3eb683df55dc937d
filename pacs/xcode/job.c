#include "pacs/xcode/job.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

enum err job_send(int sock, const struct job *j, struct why *why)
{
	char line[JOB_PACKET];
	int n = snprintf(line, sizeof(line), "1 %s\n", j->to.s), fds[2] = { j->in_fd, j->out_fd };
	struct iovec part = { line, (size_t)n };
	union control control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	ssize_t sent;
	do
		sent = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? fail_errno(why, ERR_CLOSED, "giving a job to the codec worker") : ERR_OK;
}

static void close_all(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			close(fd);
		}
	}
}

static bool take_fds(struct msghdr *m, int fds[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || m->msg_flags & MSG_CTRUNC || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
	return true;
}

enum err job_receive(int sock, struct job *out, struct why *why)
{
	char line[JOB_PACKET];
	struct iovec part = { line, sizeof(line) - 1 };
	union control control;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	ssize_t n;
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return ERR_END;
	if (n < 0)
		return fail_errno(why, ERR_IO, "waiting for a job");
	line[n] = 0;
	int fds[2];
	/* The width is BOUND_UID. */
	if (m.msg_flags & MSG_TRUNC || sscanf(line, "1 %64[0-9.]", out->to.s) != 1 || !take_fds(&m, fds)) {
		close_all(&m);
		return fail(why, ERR_PROTO, "no job in a packet of %zd bytes", n);
	}
	out->in_fd = fds[0];
	out->out_fd = fds[1];
	return ERR_OK;
}

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

enum err answer_send(int sock, const struct xcode_result *r)
{
	char line[JOB_PACKET];
	int n = snprintf(line, sizeof(line), "1 %d %llu %llu %s %s %llu %llu %u %u %s\n", (int)r->err, (unsigned long long)r->size,
	                 (unsigned long long)r->dataset_at, or_dash(r->digest), or_dash(r->pixel_digest), (unsigned long long)r->pixel_bytes_in,
	                 (unsigned long long)r->pixel_bytes_out, r->encode_ms, r->verify_ms, r->why.text);
	ssize_t sent;
	do
		sent = send(sock, line, (size_t)n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? ERR_CLOSED : ERR_OK;
}

static bool is_digest(const char *s)
{
	return strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

static enum err parse_answer(const char *line, struct xcode_result *out, struct why *why)
{
	int e, at = 0;
	unsigned long long size, dataset_at, in, bytes_out;
	memset(out, 0, sizeof(*out));
	int n = sscanf(line, "1 %d %llu %llu %32s %32s %llu %llu %u %u %n", &e, &size, &dataset_at, out->digest, out->pixel_digest,
	               &in, &bytes_out, &out->encode_ms, &out->verify_ms, &at);
	if (n != 9 || e < 0 || e >= ERR_COUNT)
		return fail(why, ERR_PROTO, "the codec worker's answer makes no sense");
	if (e == ERR_OK && (!is_digest(out->digest) || (strcmp(out->pixel_digest, "-") && !is_digest(out->pixel_digest))))
		return fail(why, ERR_PROTO, "the codec worker's answer has no digest");
	if (!strcmp(out->pixel_digest, "-"))
		out->pixel_digest[0] = 0;
	out->err = (enum err)e;
	out->size = size;
	out->dataset_at = dataset_at;
	out->pixel_bytes_in = in;
	out->pixel_bytes_out = bytes_out;
	snprintf(out->why.text, sizeof(out->why.text), "%.*s", (int)strcspn(line + at, "\n"), line + at);
	return ERR_OK;
}

enum err answer_receive(int sock, struct xcode_result *out, struct why *why)
{
	char line[JOB_PACKET];
	ssize_t n;
	do
		n = recv(sock, line, sizeof(line) - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return fail(why, ERR_CLOSED, "the codec worker died");
	line[n] = 0;
	return parse_answer(line, out, why);
}
