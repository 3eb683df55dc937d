#include "pacs/xcode/job.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char digest_word[] = "digest";

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

enum err job_send(int sock, const struct job *j, struct why *why)
{
	char line[JOB_PACKET];
	int n = snprintf(line, sizeof(line), "2 %s %u\n", j->to.s[0] ? j->to.s : digest_word, j->level), fds[2] = { j->in_fd, j->out_fd };
	size_t count = j->to.s[0] ? 2 : 1;
	struct iovec part = { line, (size_t)n };
	union control control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
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

static bool take_fds(struct msghdr *m, size_t count, int fds[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || m->msg_flags & MSG_CTRUNC || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(count * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(c), count * sizeof(int));
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
	int fds[2] = { -1, -1 };
	/* The width is BOUND_UID. */
	bool is_read = !(m.msg_flags & MSG_TRUNC) && sscanf(line, "2 %64[0-9.a-z] %u", out->to.s, &out->level) == 2;
	if (is_read && !strcmp(out->to.s, digest_word))
		out->to.s[0] = 0;
	if (!is_read || !take_fds(&m, out->to.s[0] ? 2 : 1, fds)) {
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
	int n = snprintf(line, sizeof(line), "2 %d %llu %llu %s %s %llu %llu %u %u %s %u %u %s\n", (int)r->err, (unsigned long long)r->size,
	                 (unsigned long long)r->dataset_at, or_dash(r->digest), or_dash(r->pixel_digest), (unsigned long long)r->pixel_bytes_in,
	                 (unsigned long long)r->pixel_bytes_out, r->encode_us, r->verify_us, or_dash(r->sop_instance.s), r->largest_error,
	                 r->psnr_db, r->why.text);
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
	int n = sscanf(line, "2 %d %llu %llu %32s %32s %llu %llu %u %u %64s %u %u %n", &e, &size, &dataset_at, out->digest, out->pixel_digest,
	               &in, &bytes_out, &out->encode_us, &out->verify_us, out->sop_instance.s, &out->largest_error, &out->psnr_db, &at);
	if (n != 12 || e < 0 || e >= ERR_COUNT)
		return fail(why, ERR_PROTO, "the codec worker's answer makes no sense");
	if (e == ERR_OK && (!is_digest(out->digest) || (strcmp(out->pixel_digest, "-") && !is_digest(out->pixel_digest))))
		return fail(why, ERR_PROTO, "the codec worker's answer has no digest");
	if (!strcmp(out->pixel_digest, "-"))
		out->pixel_digest[0] = 0;
	if (!strcmp(out->sop_instance.s, "-"))
		out->sop_instance.s[0] = 0;
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
