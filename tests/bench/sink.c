/* sink - what this machine can do without DICOM: the same bytes over loopback, written and synced.
 *
 *   sink --size BYTES [--connections N] [--count M] [--durable] DIR
 *
 * A child process sends M messages of BYTES bytes over N connections and waits for one byte of answer each; the parent
 * writes each message to a file of its own in DIR and fdatasyncs it before answering. With --durable it also renames the
 * file and syncs the directory each time: what a receiver must do for each image when nothing is shared.
 * Prints one line like load's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pacs/base/clock.h"

enum { CHUNK = 1 << 20 };

struct setup {
	size_t size;
	unsigned connections, count;
	bool durable;
	const char *dir;
	unsigned port;
};
struct side {
	pthread_t thread;
	const struct setup *s;
	int fd;
	unsigned index, count;
};

static void die(const char *what)
{
	fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void put_all(int fd, const char *p, size_t n)
{
	for (ssize_t w; n; p += w, n -= (size_t)w)
		if ((w = write(fd, p, n)) <= 0)
			die("write");
}

static void *receive(void *arg)
{
	struct side *r = arg;
	char tmp[4096], final[4096], *buf = malloc(CHUNK);
	int dir = open(r->s->dir, O_RDONLY | O_DIRECTORY), one = 1;
	if (!buf || dir < 0)
		die(r->s->dir);
	for (unsigned i = 0; i < r->count; i++) {
		snprintf(tmp, sizeof(tmp), "%s/%u-%u.tmp", r->s->dir, r->index, i);
		snprintf(final, sizeof(final), "%s/%u-%u.bin", r->s->dir, r->index, i);
		int out = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (out < 0)
			die(tmp);
		for (size_t left = r->s->size; left; ) {
			ssize_t n = recv(r->fd, buf, left < CHUNK ? left : CHUNK, 0);
			if (n <= 0)
				die("recv");
			setsockopt(r->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
			put_all(out, buf, (size_t)n);
			left -= (size_t)n;
		}
		if (fdatasync(out))
			die("fdatasync");
		close(out);
		if (r->s->durable && (rename(tmp, final) || fsync(dir)))
			die("rename");
		put_all(r->fd, "", 1);
	}
	close(dir);
	close(r->fd);
	free(buf);
	return NULL;
}

static void *transmit(void *arg)
{
	struct side *t = arg;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char *data = malloc(t->s->size), c;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (!data || fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	memset(data, 0x5a, t->s->size);
	for (unsigned i = 0; i < t->count; i++) {
		put_all(fd, data, t->s->size);
		if (read(fd, &c, 1) != 1)
			die("answer");
	}
	close(fd);
	free(data);
	return NULL;
}

static void run_side(const struct setup *s, int listener, void *(*f)(void *))
{
	struct side *sides = calloc(s->connections, sizeof(*sides));
	if (!sides)
		die("memory");
	for (unsigned i = 0; i < s->connections; i++) {
		sides[i] = (struct side){ .s = s, .index = i, .count = s->count / s->connections };
		if (listener >= 0 && (sides[i].fd = accept(listener, NULL, NULL)) < 0)
			die("accept");
		pthread_create(&sides[i].thread, NULL, f, &sides[i]);
	}
	for (unsigned i = 0; i < s->connections; i++)
		pthread_join(sides[i].thread, NULL);
	free(sides);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "size", 1, NULL, 's' }, { "connections", 1, NULL, 'n' }, { "count", 1, NULL, 'm' }, { "durable", 0, NULL, 'd' }, { 0 } };
	struct setup s = { .size = 36864, .connections = 1, .count = 100 };
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; ) {
		if (c == 's') s.size = strtoul(optarg, NULL, 10);
		else if (c == 'n') s.connections = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'm') s.count = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'd') s.durable = true;
	}
	if (optind + 1 != argc || !s.size || !s.connections || s.count < s.connections) {
		fprintf(stderr, "usage: sink --size BYTES [--connections N] [--count M] [--durable] DIR\n");
		return 2;
	}
	s.dir = argv[optind];
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&sa, len) || listen(listener, 64) || getsockname(listener, (struct sockaddr *)&sa, &len))
		die("listen");
	s.port = ntohs(sa.sin_port);
	uint64_t t0 = clock_mono_ns();
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		run_side(&s, -1, transmit);
		_exit(0);
	}
	run_side(&s, listener, receive);
	waitpid(child, NULL, 0);
	double sec = (double)(clock_mono_ns() - t0) / 1e9;
	unsigned done = s.count / s.connections * s.connections;
	printf("images=%u ok=%u failed=0 seconds=%.3f images_per_s=%.1f mb_per_s=%.1f\n", done, done, sec, done / sec, (double)done * (double)s.size / 1e6 / sec);
	return 0;
}
