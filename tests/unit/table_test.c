#include "pacs/base/table.h"

#include <stdlib.h>

#include "tests/lib/t.h"

static void print_into(const struct table *t, unsigned width, char *out, size_t size)
{
	FILE *f = fmemopen(out, size, "w");
	CHECK_INT(table_print(t, f, width), ERR_OK);
	fclose(f);
}

TEST(columns, "columns are as wide as their widest cell, numbers flush right, and nothing trails")
{
	struct table t;
	char got[512];
	table_init(&t, "NAME|>SIZE|STATE");
	table_cell(&t, "county");
	table_cellf(&t, "%d", 5);
	table_cell(&t, "on");
	table_cell(&t, "p");
	table_cellf(&t, "%d", 12345);
	table_cell(&t, NULL);
	print_into(&t, 0, got, sizeof(got));
	CHECK_STR(got, "NAME     SIZE  STATE\ncounty      5  on\np       12345\n");
	table_fini(&t);
}

TEST(chinese, "a Chinese character takes two columns")
{
	struct table t;
	char got[512];
	table_init(&t, "NAME|X");
	table_cell(&t, "张三");
	table_cell(&t, "1");
	table_cell(&t, "abcde");
	table_cell(&t, "2");
	print_into(&t, 0, got, sizeof(got));
	CHECK_STR(got, "NAME   X\n张三   1\nabcde  2\n");
	CHECK_INT(text_width("e\xCC\x81"), 1);
	CHECK_INT(text_width("\xff\xfe"), 2);
	table_fini(&t);
}

TEST(cut, "a line over the terminal's width is cut, never in the middle of a character")
{
	struct table t;
	char got[512];
	table_init(&t, "N");
	table_cell(&t, "张三李四");
	print_into(&t, 6, got, sizeof(got));
	CHECK_STR(got, "N\n张三… \n");
	table_fini(&t);
}

TEST(escapes, "a name cannot steer the terminal")
{
	struct table t;
	char got[512];
	table_init(&t, "N");
	table_cell(&t, "a\x1b[2Jb\xc2\x9b" "c\xff");
	print_into(&t, 0, got, sizeof(got));
	CHECK_STR(got, "N\na.[2Jb.c.\n");
	table_fini(&t);
}

TEST(sizes, "sizes are told in the unit that fits")
{
	CHECK_STR(size_text(0).s, "0 B");
	CHECK_STR(size_text(999).s, "999 B");
	CHECK_STR(size_text(13400000).s, "13.4 MB");
	CHECK_STR(size_text(2500000000000000).s, "2500.0 TB");
}

int main(void)
{
	RUN(columns);
	RUN(chinese);
	RUN(cut);
	RUN(escapes);
	RUN(sizes);
	return t_done();
}
