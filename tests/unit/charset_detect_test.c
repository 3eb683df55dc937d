#include "pacs/dicom/charset_detect.h"

#include <iconv.h>

#include "pacs/base/clock.h"
#include "tests/lib/t.h"

/* ---- single cases ---- */

#define GB "\x1B$)A"
static const struct { const char *says, *text, *in, *declared, *sender, *term; enum charset_how how; enum charset_said said; } cases[] = {
	{ "nothing but ASCII", "ZHANG^SAN\n", "ASCII", "", NULL, "", CHARSET_ASCII, CHARSET_SAID_RIGHT },
	{ "nothing but ASCII, UTF-8 declared", "ZHANG^SAN\n", "ASCII", "ISO_IR 192", NULL, "ISO_IR 192", CHARSET_ASCII, CHARSET_SAID_RIGHT },
	{ "GBK, nothing declared", "张三\n", "GBK", "", NULL, "GB18030", CHARSET_DETECTED, CHARSET_SAID_NOTHING },
	{ "UTF-8, nothing declared", "张三\n", "UTF-8", "", NULL, "ISO_IR 192", CHARSET_DETECTED, CHARSET_SAID_NOTHING },
	{ "GBK as Latin-1", "张三\n", "GBK", "ISO_IR 100", NULL, "GB18030", CHARSET_DETECTED, CHARSET_SAID_FALSE },
	{ "Latin-1 as Latin-1", "Buc^Jérôme\n", "ISO-8859-1", "ISO_IR 100", NULL, "ISO_IR 100", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
	{ "Latin-1, nothing declared", "Buc^Jérôme\nHôpital Général\n", "ISO-8859-1", "", NULL, "ISO_IR 100", CHARSET_LATIN1, CHARSET_SAID_NOTHING },
	{ "GBK as UTF-8", "张三\n", "GBK", "ISO_IR 192", NULL, "GB18030", CHARSET_DETECTED, CHARSET_SAID_FALSE },
	{ "UTF-8 as GB18030", "张三\n县人民医院\n", "UTF-8", "GB18030", NULL, "ISO_IR 192", CHARSET_DETECTED, CHARSET_SAID_FALSE },
	{ "UTF-8 as Latin-1", "张三\n", "UTF-8", "ISO_IR 100", NULL, "ISO_IR 192", CHARSET_DETECTED, CHARSET_SAID_FALSE },
	{ "GBK as GBK", "张三\n", "GBK", "GBK", NULL, "GBK", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
	{ "GBK, ASCII declared", "张三\n", "GBK", "ISO_IR 6", NULL, "GB18030", CHARSET_DETECTED, CHARSET_SAID_NOTHING },
	{ "GBK, an unknown word", "张三\n", "GBK", "KLINGON", NULL, "GB18030", CHARSET_DETECTED, CHARSET_SAID_FALSE },
	{ "GBK, the sender's", "张三\n", "GBK", "", "GB18030", "GB18030", CHARSET_SENDER, CHARSET_SAID_NOTHING },
	{ "UTF-8 of a sender of GB18030", "张三\n第一人民医院\n", "UTF-8", "", "GB18030", "ISO_IR 192", CHARSET_DETECTED, CHARSET_SAID_NOTHING },
	{ "Cyrillic of a sender of it", "Люксембург\n", "ISO-8859-5", "", "ISO_IR 144", "ISO_IR 144", CHARSET_SENDER, CHARSET_SAID_NOTHING },
	{ "Cyrillic as declared", "Люксембург\n", "ISO-8859-5", "ISO_IR 144", NULL, "ISO_IR 144", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
	{ "Greek as declared", "Διονυσιος\n", "ISO-8859-7", "ISO_IR 126", NULL, "ISO_IR 126", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
	{ "Big5, nothing declared", "臺北榮民總醫院\n陳怡君\n胸部後前位\n", "BIG5", "", NULL, "BIG5", CHARSET_DETECTED, CHARSET_SAID_NOTHING },
	{ "a cut character", "第一人民医院\n", "GBK-cut", "GB18030", NULL, "GB18030", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
	{ "a cut character as UTF-8", "第一人民医院\n", "UTF-8-cut", "ISO_IR 192", NULL, "ISO_IR 192", CHARSET_DECLARED, CHARSET_SAID_RIGHT },
};

static void encode(const char *text, const char *set, struct buf *out)
{
	char name[16], *in = (char *)(uintptr_t)text, piece[8192], *end = piece;
	size_t left = strlen(text), room = sizeof(piece);
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(set) - (strstr(set, "-cut") ? 4 : 0)), set);
	iconv_t cd = iconv_open(name, "UTF-8");
	CHECK(cd != (iconv_t)-1);
	if (iconv(cd, &in, &left, &end, &room) == (size_t)-1)
		T_FAIL("\"%s\" is not in %s", text, name);
	iconv_close(cd);
	buf_add(out, piece, (size_t)(end - piece));
	/* The last byte of the last character goes, the line feed stays. */
	if (strstr(set, "-cut")) {
		out->len -= 2;
		buf_add_byte(out, '\n');
	}
}

TEST(judging, "the set of a header is found whatever is declared")
{
	struct buf raw;
	buf_init(&raw, 65536);
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct charset_verdict v;
		buf_reset(&raw);
		encode(cases[i].text, cases[i].in, &raw);
		charset_judge_text(buf_view(&raw), cases[i].declared, cases[i].sender, &v);
		if (v.how != cases[i].how || v.said != cases[i].said || strcmp(v.term, cases[i].term))
			T_FAIL("%s: got how %d said %d \"%s\", wanted %d %d \"%s\"", cases[i].says, (int)v.how, (int)v.said, v.term, (int)cases[i].how, (int)cases[i].said, cases[i].term);
	}
	buf_fini(&raw);
}

TEST(reading, "values are read in the set of the whole, cut ones without what was cut")
{
	struct charset_verdict v;
	struct buf out;
	buf_init(&out, 4096);
	/* Alone, these four bytes would be taken for two hanzi; the header is French. */
	charset_judge_text(BYTES("H\xF4pital G\xE9n\xE9ral\nM\xE9tayer^Zo\xE9\n"), "", NULL, &v);
	CHECK_INT(charset_read(&v, VR_LO, BYTES("\xC9\xE9\xE8\xEA"), &out), CHARSET_LATIN1);
	CHECK_STR(buf_cstr(&out), "Ééèê");
	buf_reset(&out);
	charset_judge_text(BYTES("\xB5\xDA\xD2\xBB\xC8\xCB\xC3\xF1\n"), "", NULL, &v);
	CHECK_INT(charset_read(&v, VR_LO, BYTES("\xB5\xDA\xD2 "), &out), CHARSET_DETECTED);
	CHECK_STR(buf_cstr(&out), "第");
	buf_reset(&out);
	CHECK_INT(charset_read(&v, VR_PN, BYTES("\xD5\xC5^\x95\x5C "), &out), CHARSET_DETECTED);
	CHECK_STR(buf_cstr(&out), "张^昞");
	buf_reset(&out);
	CHECK_INT(charset_read(&v, VR_LO, BYTES("\0\xB5\xDA\0\xD2\0"), &out), CHARSET_DETECTED);
	CHECK_STR(buf_cstr(&out), "第");
	buf_fini(&out);
}

TEST(nested, "items are judged with what is around them, those with a set of their own apart")
{
	struct arena a;
	struct charset_verdict v;
	arena_init(&a, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	struct dataset *one = dataset_add_item(ds, TAG(0x0008, 0x1110)), *two = dataset_add_item(ds, TAG(0x0008, 0x1110));
	CHECK_INT(dataset_put(one, TAG(0x0008, 0x1030), VR_LO, BYTES("\xD5\xC5\xC8\xFD")), ERR_OK);
	charset_judge(ds, "", NULL, &v);
	CHECK_STR(v.found, "GB18030");
	CHECK_INT(dataset_put_str(one, TAG_SPECIFIC_CHARACTER_SET, "GB18030"), ERR_OK);
	CHECK_INT(dataset_put_str(two, TAG(0x0008, 0x1030), "plain"), ERR_OK);
	charset_judge(ds, "", NULL, &v);
	CHECK_INT(v.how, CHARSET_ASCII);
	arena_fini(&a);
}

TEST(names, "sets have one name each")
{
	static const struct { const char *declared, *name; } c[] = {
		{ "", "" }, { "ISO_IR 6", "" }, { "ISO_IR 100", "ISO_IR 100" }, { "iso-ir 192", "ISO_IR 192" }, { "UTF-8", "ISO_IR 192" }, { "\\ISO 2022 IR 58", "ISO 2022 IR 58" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87", "ISO 2022 IR 87" }, { "ISO-2022-GBK", "GBK" }, { "KLINGON", "unknown" }, { "ISO_IR 100\\KLINGON", "ISO 2022 IR 100" }, { "GB18030", "GB18030" },
	};
	for (size_t i = 0; i < NELEM(c); i++) {
		char name[24];
		charset_name(c[i].declared, name);
		CHECK_STR(name, c[i].name);
	}
}

/* ---- a corpus of headers ---- */

static const char *const family[] = { "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧",
	"程", "曹", "袁", "邓", "许", "傅", "沈", "曾", "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛", "叶", "阎", "余", "潘", "杜", "戴", "夏", "钟", "汪", "田", "任", "姜", "范", "方", "石", "姚",
	"谭", "廖", "邹", "熊", "金", "陆", "郝", "孔", "白", "崔", "康", "毛", "邱", "秦", "江", "史", "顾", "侯", "邵", "孟", "龙", "万", "段", "雷", "钱", "汤", "尹", "黎", "易", "常", "武", "乔", "贺", "赖", "龚", "文",
	"欧阳", "司马", "诸葛", "尉迟", "单", "解", "仇", "查", "区", "盖", "覃", "缪", "冼", "翟", "亓", "佘" };
static const char *const given[] = { "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英", "建国", "小东", "晓红", "志强", "文", "玉兰", "海燕", "春梅",
	"国庆", "建华", "丽娟", "淑珍", "雪梅", "子涵", "梓萱", "浩然", "宇轩", "欣怡", "诗涵", "一诺", "奕辰", "沐阳", "喆", "堃", "珺", "玥", "镕基", "昞", "祎", "瑄", "翀", "婧", "妍", "昊", "晟", "焱", "淼", "鑫", "垚", "犇",
	"二小", "学", "三", "大勇", "阿妹", "满囤", "狗剩", "铁柱", "翠花", "爱国", "卫东", "红旗", "跃进", "援朝" };
static const char *const place[] = { "平安县", "河口镇", "清水乡", "大同市", "长治市", "临汾市", "凤凰县", "武陵区", "石门县", "沅陵县", "青山区", "东风街道", "三江镇", "牛栏山", "双桥乡", "阿克苏地区", "呼和浩特市", "鄂尔多斯" };
static const char *const house[] = { "人民医院", "中心卫生院", "第一人民医院", "中医院", "妇幼保健院", "社区卫生服务中心", "卫生院", "医院放射科", "超声科", "县医院影像中心" };
static const char *const study[] = { "胸部正位", "腹部彩超", "头颅CT平扫", "肝胆胰脾肾彩超", "左膝关节正侧位", "腰椎正侧位片", "胸部CT平扫 5mm", "心脏彩色多普勒", "甲状腺及颈部淋巴结", "双下肢静脉", "盆腔B超", "右手正斜位", "DR 胸片", "骨盆（正位）", "乳腺钼靶", "全腹部平扫+增强", "早孕、经阴道", "颈椎双斜位" };
static const char *const doctor[] = { "李医生", "王主任", "张建国", "赵敏", "陈技师", "刘护士" };
static const char *const european[] = { "Müller^Jürgen", "Buc^Jérôme", "Métayer^Zoé", "Núñez^José", "Gonçalves^João", "Åström^Björn", "Søren^Pær", "Straße^Jörg", "Lefèvre^Hélène", "García^Ángel", "Köhler^Günther", "Fernández^Iván", "Conceição^Luís", "Özil^Çağ" };
static const char *const clinic[] = { "Hôpital Général", "Universitätsklinikum Köln", "Clínica São José", "Centre médical", "Krankenhaus München", "Röntgen Thorax", "Échographie" };

static uint32_t seed;
static uint32_t chance(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}
#define ANY(list) list[chance(NELEM(list))]

/* A third is the hardest there is: a name alone. `text` has a line feed behind each value. */
static void make_header(bool is_european, char text[1024])
{
	size_t n = 0;
	unsigned kind = chance(3);
	if (is_european)
		n += (size_t)snprintf(text + n, 1024 - n, "%s\n", european[chance(NELEM(european) - 1)]);
	else
		n += (size_t)snprintf(text + n, 1024 - n, chance(2) ? "%s%s\n" : "%s^%s\n", ANY(family), ANY(given));
	if (kind >= 1)
		n += is_european ? (size_t)snprintf(text + n, 1024 - n, "%s\n", ANY(clinic)) : (size_t)snprintf(text + n, 1024 - n, "%s%s\n", ANY(place), ANY(house));
	if (kind == 2 && !is_european)
		snprintf(text + n, 1024 - n, "%s\n%s\n", ANY(study), ANY(doctor));
}

/* What is sent in a set and declared as another. In UTF-8 what is read must be what was written. */
static const struct { const char *in, *declared, *sender; bool is_european; } cells[] = {
	{ "GBK", "", NULL, false }, { "GBK", "ISO_IR 100", NULL, false }, { "GBK", "ISO_IR 192", NULL, false }, { "GBK", "GB18030", NULL, false }, { "GBK", "GBK", NULL, false },
	{ "GBK", "ISO_IR 6", NULL, false }, { "GBK", "\\ISO 2022 IR 58", NULL, false }, { "GBK", "KLINGON", NULL, false }, { "GBK", "ISO_IR 100", "GB18030", false }, { "GBK", "", "GB18030", false },
	{ "GB18030", "", NULL, false }, { "GB18030", "ISO_IR 100", NULL, false }, { "GB18030", "GB18030", NULL, false },
	{ "UTF-8", "", NULL, false }, { "UTF-8", "ISO_IR 100", NULL, false }, { "UTF-8", "ISO_IR 192", NULL, false }, { "UTF-8", "GB18030", NULL, false }, { "UTF-8", "GBK", NULL, false },
	{ "UTF-8", "\\ISO 2022 IR 58", NULL, false }, { "UTF-8", "", "GB18030", false },
	{ "ISO-8859-1", "ISO_IR 100", NULL, true }, { "ISO-8859-1", "ISO_IR 100", "GB18030", true }, { "ISO-8859-1", "", NULL, true }, { "UTF-8", "ISO_IR 192", NULL, true }, { "UTF-8", "ISO_IR 100", NULL, true },
};

static bool is_read_right(const char *text, const char *in, const char *declared, const char *sender)
{
	struct charset_verdict v;
	struct buf raw, out;
	buf_init(&raw, 65536);
	buf_init(&out, 65536);
	encode(text, in, &raw);
	charset_judge_text(buf_view(&raw), declared, sender, &v);
	/* Value by value, as a header is read. */
	for (struct bytes t = buf_view(&raw); t.len; ) {
		size_t len = (size_t)((const uint8_t *)memchr(t.p, '\n', t.len) - t.p);
		charset_read(&v, VR_LO, bytes_of(t.p, len), &out);
		buf_add_byte(&out, '\n');
		t.p += len + 1;
		t.len -= len + 1;
	}
	bool is_right = !strcmp(buf_cstr(&out), text);
	if (!is_right && getenv("T_SHOW"))
		printf("# %s as \"%s\" (sender %s): read in %s, is %s\n", in, declared, sender ? sender : "-", v.term, text);
	buf_fini(&raw);
	buf_fini(&out);
	return is_right;
}

TEST(corpus, "of a corpus of headers, declared rightly, falsely and not, at least 99 of 100 are read right")
{
	enum { EACH = 1000 };
	unsigned right = 0, all = 0;
	seed = 20260301;
	for (size_t i = 0; i < NELEM(cells); i++) {
		unsigned good = 0;
		for (unsigned n = 0; n < EACH; n++) {
			char text[1024];
			make_header(cells[i].is_european, text);
			good += is_read_right(text, cells[i].in, cells[i].declared, cells[i].sender);
		}
		printf("# %-10s as \"%s\"%s%s: %.1f %%\n", cells[i].in, cells[i].declared, cells[i].sender ? ", sender " : "", cells[i].sender ? cells[i].sender : "", 100.0 * good / EACH);
		if (good < EACH * 97 / 100)
			T_FAIL("only %u of %d", good, EACH);
		right += good;
		all += EACH;
	}
	printf("# %u of %u headers: %.2f %%\n", right, all, 100.0 * right / all);
	CHECK(right * 100 >= all * 99);
}

TEST(cost, "a header is judged in less than 20 microseconds")
{
	struct buf raw;
	struct charset_verdict v;
	uint64_t best = UINT64_MAX;
	buf_init(&raw, 65536);
	encode("张三\n平安县第一人民医院\n胸部正位\n李医生\n", "GBK", &raw);
	for (int round = 0; round < 5; round++) {
		uint64_t began = clock_mono_ns();
		for (int i = 0; i < 200; i++)
			charset_judge_text(buf_view(&raw), "ISO_IR 100", NULL, &v);
		uint64_t one = (clock_mono_ns() - began) / 200;
		best = one < best ? one : best;
	}
	printf("# %llu ns\n", (unsigned long long)best);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	CHECK(best < 20000 || getenv("T_SLOWED"));
#endif
	buf_fini(&raw);
}

int main(void)
{
	RUN(judging);
	RUN(reading);
	RUN(nested);
	RUN(names);
	RUN(corpus);
	RUN(cost);
	return t_done();
}
