#include "tests/lib/county.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pacs/dicom/charset.h"

enum { SITES = 25, DAYS = 15 * 365, LAST_DAY = 1795564800 /* 2026-11-25 UTC */, COMEBACK = 200000 };

/* ---- chance ---- */

/* splitmix64: any number to any other, so that each thing has a stream of its own. */
static uint64_t mix(uint64_t x)
{
	x += 0x9E3779B97F4A7C15u;
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
	x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
	return x ^ (x >> 31);
}

enum stream { OF_STUDY, OF_PATIENT, OF_SITE, OF_COMEBACK, OF_SERIES, OF_IMAGE };

static uint64_t chance(const struct county *c, enum stream s, uint64_t n)
{
	return mix(mix(c->seed * 8 + s) ^ n);
}

/* The next number below `below` out of a chance. */
static unsigned draw(uint64_t *r, unsigned below)
{
	*r = mix(*r);
	return (unsigned)((*r >> 32) * below >> 32);
}

/* ---- people ---- */

struct syllable { const char *pinyin, *han; };

/* The commonest first: number k is drawn about as often as (k + 1)^-1. */
static const struct syllable surnames[] = {
	{ "WANG", "王" }, { "LI", "李" }, { "ZHANG", "张" }, { "LIU", "刘" }, { "CHEN", "陈" }, { "YANG", "杨" }, { "HUANG", "黄" }, { "ZHAO", "赵" },
	{ "WU", "吴" }, { "ZHOU", "周" }, { "XU", "徐" }, { "SUN", "孙" }, { "MA", "马" }, { "ZHU", "朱" }, { "HU", "胡" }, { "GUO", "郭" },
	{ "HE", "何" }, { "LIN", "林" }, { "GAO", "高" }, { "LUO", "罗" }, { "ZHENG", "郑" }, { "LIANG", "梁" }, { "XIE", "谢" }, { "SONG", "宋" },
	{ "TANG", "唐" }, { "XU", "许" }, { "DENG", "邓" }, { "HAN", "韩" }, { "FENG", "冯" }, { "CAO", "曹" }, { "PENG", "彭" }, { "ZENG", "曾" },
	{ "XIAO", "肖" }, { "TIAN", "田" }, { "DONG", "董" }, { "PAN", "潘" }, { "YUAN", "袁" }, { "CAI", "蔡" }, { "JIANG", "蒋" }, { "YU", "余" },
	{ "YU", "于" }, { "DU", "杜" }, { "YE", "叶" }, { "CHENG", "程" }, { "WEI", "魏" }, { "SU", "苏" }, { "LU", "吕" }, { "DING", "丁" },
	{ "REN", "任" }, { "LU", "卢" }, { "YAO", "姚" }, { "SHEN", "沈" }, { "ZHONG", "钟" }, { "JIANG", "姜" }, { "CUI", "崔" }, { "TAN", "谭" },
	{ "LU", "陆" }, { "FAN", "范" }, { "WANG", "汪" }, { "LIAO", "廖" }, { "SHI", "石" }, { "JIN", "金" }, { "WEI", "韦" }, { "JIA", "贾" },
	{ "OUYANG", "欧阳" }, { "SIMA", "司马" }, { "ZHUGE", "诸葛" },
};
static const struct syllable given[] = {
	{ "WEI", "伟" }, { "FANG", "芳" }, { "NA", "娜" }, { "MIN", "敏" }, { "JING", "静" }, { "LI", "丽" }, { "QIANG", "强" }, { "LEI", "磊" },
	{ "JUN", "军" }, { "YANG", "洋" }, { "YONG", "勇" }, { "YAN", "艳" }, { "JIE", "杰" }, { "JUAN", "娟" }, { "TAO", "涛" }, { "MING", "明" },
	{ "CHAO", "超" }, { "XIU", "秀" }, { "XIA", "霞" }, { "PING", "平" }, { "GANG", "刚" }, { "GUI", "桂" }, { "YING", "英" }, { "HUA", "华" },
	{ "JIAN", "建" }, { "GUO", "国" }, { "XIAO", "晓" }, { "HONG", "红" }, { "YU", "玉" }, { "LAN", "兰" }, { "MEI", "梅" }, { "LONG", "龙" },
	{ "HAI", "海" }, { "BO", "波" }, { "HUI", "辉" }, { "FEI", "飞" }, { "PENG", "鹏" }, { "XIN", "鑫" }, { "ZHI", "志" }, { "WEN", "文" },
	{ "DE", "德" }, { "QING", "清" }, { "SHU", "淑" }, { "ZHEN", "珍" }, { "CHUN", "春" }, { "QIU", "秋" }, { "DONG", "冬" }, { "XUE", "雪" },
	{ "ZI", "子" }, { "XUAN", "轩" }, { "HAO", "浩" }, { "YI", "怡" }, { "TING", "婷" }, { "JIA", "佳" }, { "QI", "琪" }, { "RUI", "瑞" },
	{ "CHENG", "成" }, { "BIN", "斌" }, { "FU", "福" }, { "SHENG", "生" }, { "LIN", "林" }, { "FENG", "凤" }, { "RONG", "荣" }, { "AI", "爱" },
	{ "SHAN", "山" }, { "QUAN", "泉" }, { "YUN", "云" }, { "KAI", "凯" }, { "NING", "宁" }, { "XIANG", "祥" }, { "JIN", "金" }, { "BAO", "宝" },
	{ "MENG", "梦" }, { "YAO", "瑶" }, { "HAN", "涵" }, { "CHEN", "晨" }, { "XI", "曦" }, { "ZHE", "哲" }, { "SI", "思" }, { "YUAN", "媛" },
};

static const struct syllable *skewed(uint64_t *r, const struct syllable *table, unsigned n)
{
	unsigned a = draw(r, n), b = draw(r, n);

	return &table[a < b ? a : b];            /* the least of two: the first are drawn twice as often as the middle ones */
}

enum writing { BOTH, HAN, PINYIN };

static void make_name(uint64_t *r, enum writing w, char name[128], char pinyin[64])
{
	const struct syllable *s = skewed(r, surnames, NELEM(surnames)), *g = skewed(r, given, NELEM(given)), none = { "", "" }, *h = &none;

	if (draw(r, 4))
		h = &given[draw(r, NELEM(given))];
	snprintf(pinyin, 64, "%s^%s%s", s->pinyin, g->pinyin, h->pinyin);
	if (w == PINYIN)
		snprintf(name, 128, "%s", pinyin);
	else if (w == HAN)
		snprintf(name, 128, "%s^%s%s", s->han, g->han, h->han);
	else
		snprintf(name, 128, "%s=%s^%s%s", pinyin, s->han, g->han, h->han);
}

/* The patient of study n: somebody new, or the one of an earlier study. */
static unsigned long patient_of(const struct county *c, unsigned long n)
{
	for (;;) {
		uint64_t r = chance(c, OF_COMEBACK, n);
		if (!n || draw(&r, 5) >= 2)
			return n;
		n -= 1 + draw(&r, (unsigned)(n < COMEBACK ? n : COMEBACK));
	}
}

/* ---- machines ---- */

static const struct kind {
	const char *modality, *sop_class, *parts[6], *descriptions[6];
	unsigned of_thousand, image_percent;     /* image_percent: of the mean number of images */
} kinds[] = {
	{ "DX", "1.2.840.10008.5.1.4.1.1.1.1", { "CHEST", "HAND", "KNEE", "LSPINE", "ANKLE", "PELVIS" },
	  { "胸部正位", "手正斜位", "膝关节正侧位", "腰椎正侧位", "Ankle AP LAT", "Chest PA" }, 480, 40 },
	{ "US", "1.2.840.10008.5.1.4.1.1.6.1", { "ABDOMEN", "THYROID", "BREAST", "HEART", "UTERUS", "KIDNEY" },
	  { "肝胆胰脾彩超", "甲状腺彩超", "乳腺彩超", "心脏彩超", "Abdomen", "泌尿系彩超" }, 470, 150 },
	{ "CR", "1.2.840.10008.5.1.4.1.1.1", { "CHEST", "HAND", "FOOT", "SKULL", "CHEST", "ELBOW" },
	  { "胸片", "手", "足", "头颅", "CHEST", "肘" }, 40, 40 },
	{ "MG", "1.2.840.10008.5.1.4.1.1.1.2", { "BREAST", "BREAST", "BREAST", "BREAST", "BREAST", "BREAST" },
	  { "乳腺钼靶", "乳腺钼靶", "Mammography", "乳腺钼靶", "乳腺", "乳腺" }, 8, 80 },
	{ "CT", "1.2.840.10008.5.1.4.1.1.2", { "HEAD", "CHEST", "ABDOMEN", "HEAD", "CHEST", "HEAD" },
	  { "颅脑平扫", "胸部平扫", "上腹部平扫", "Head routine", "Chest", "颅脑" }, 2, 800 },
};

static const struct kind *kind_of(unsigned of_thousand)
{
	size_t i = 0;

	while (i + 1 < NELEM(kinds) && of_thousand >= kinds[i].of_thousand)
		of_thousand -= kinds[i++].of_thousand;
	return &kinds[i];
}

static bool has_random_uids(const struct county *c, unsigned site)
{
	return chance(c, OF_SITE, site) % 10 < 3;
}

/* "2.25." and a random number of 122 bits. */
static void random_uid(uint64_t r, char out[65])
{
	unsigned __int128 v = ((unsigned __int128)(mix(r) >> 6) << 64) | mix(r ^ 0x5555);
	char digits[40];
	size_t at = sizeof(digits);

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	snprintf(out, 65, "2.25.%s", digits + at);
}

static void uid_of(const struct county *c, const struct county_study *s, enum stream level, unsigned image, char out[65])
{
	if (has_random_uids(c, s->site))
		random_uid(chance(c, level, (uint64_t)s->number << 12 | image), out);
	else if (level == OF_STUDY)
		snprintf(out, 65, "1.2.826.0.1.3680043.10.%u.%s%.6s.%lu", 700 + s->site, s->date, s->time, s->number);
	else
		snprintf(out, 65, "1.2.826.0.1.3680043.10.%u.%s%.6s.%lu.%u.%u", 700 + s->site, s->date, s->time, s->number, level == OF_SERIES ? 1 : 2, image);
}

static void when(const struct county *c, struct county_study *s, uint64_t *r)
{
	/* A working day of ten hours; the day follows from the number. */
	unsigned long per_day = c->studies / DAYS + 1, day = s->number / per_day, in_day = s->number % per_day;
	time_t t = (time_t)LAST_DAY - (time_t)(DAYS - 1 - (long)day) * 86400 + 8 * 3600 + (time_t)(in_day * 36000 / per_day + draw(r, 60));
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(s->date, sizeof(s->date), "%Y%m%d", &tm);
	snprintf(s->time, sizeof(s->time), "%02d%02d%02d.%03u000", tm.tm_hour, tm.tm_min, tm.tm_sec, draw(r, 1000));
	s->time[13] = 0;
}

void county_study(const struct county *c, unsigned long n, struct county_study *s)
{
	uint64_t r = chance(c, OF_STUDY, n);
	unsigned long patient = patient_of(c, n);
	uint64_t p = chance(c, OF_PATIENT, patient);
	const struct kind *k = kind_of(draw(&r, 1000));
	unsigned what = draw(&r, NELEM(k->parts)), mean = c->mean_images * k->image_percent / 100;
	char doctor[64];

	*s = (struct county_study){ .number = n, .patient = patient, .site = draw(&p, SITES), .modality = k->modality, .sop_class = k->sop_class,
	                            .body_part = k->parts[what], .description = k->descriptions[what] };
	s->images = 1 + (mean > 1 ? draw(&r, 2 * mean - 1) : 0);
	if (s->images > COUNTY_IMAGES_MAX)
		s->images = COUNTY_IMAGES_MAX;
	enum writing w = (enum writing)(chance(c, OF_SITE, 100 + s->site) % 3);
	s->charset = w == PINYIN && s->site % 2 ? "" : s->site % 4 == 1 ? "ISO_IR 192" : "GB18030";
	make_name(&p, w, s->name, s->pinyin);
	snprintf(s->patient_id, sizeof(s->patient_id), "%02u%08lu", s->site + 10, patient);
	snprintf(s->birth_date, sizeof(s->birth_date), "%04u%02u%02u", 1930 + draw(&p, 90), 1 + draw(&p, 12), 1 + draw(&p, 28));
	snprintf(s->sex, sizeof(s->sex), "%s", draw(&p, 2) ? "M" : "F");
	when(c, s, &r);
	snprintf(s->accession, sizeof(s->accession), "%02u%.6s%06lu", s->site + 10, s->date + 2, n % 1000000);
	snprintf(s->study_id, sizeof(s->study_id), "%lu", n % 100000);
	make_name(&r, w, s->referring, doctor);
	snprintf(s->institution, sizeof(s->institution), "第%u卫生院", s->site + 1);
	snprintf(s->station, sizeof(s->station), "%s%02u", s->modality, s->site);
	snprintf(s->calling, sizeof(s->calling), "CLINIC%02u", s->site);
	uid_of(c, s, OF_STUDY, 0, s->study_uid);
}

void county_series_uid(const struct county *c, const struct county_study *s, char out[65])
{
	uid_of(c, s, OF_SERIES, 0, out);
}

void county_sop_uid(const struct county *c, const struct county_study *s, unsigned image, char out[65])
{
	uid_of(c, s, OF_IMAGE, image, out);
}

/* ---- the header ---- */

struct writing_state { struct dataset *ds; const char *charset; enum err err; };

static void put(struct writing_state *w, uint32_t tag, const char *utf8)
{
	struct buf b;
	const struct dict_entry *d = dict_find(tag);

	if (w->err)
		return;
	if (text_is_ascii(bytes_str(utf8))) {
		w->err = dataset_put_str(w->ds, tag, utf8);
		return;
	}
	buf_init(&b, 4096);
	w->err = charset_from_utf8(*w->charset ? w->charset : "GB18030", d ? d->vr : VR_LO, utf8, &b, NULL);
	if (!w->err)
		w->err = dataset_put(w->ds, tag, 0, buf_view(&b));
	buf_fini(&b);
}

#define T(g, e) TAG(0x##g, 0x##e)

/* A machine's own block: settings that are the same in each image, and some that are not. */
static void put_private(struct writing_state *w, const struct county_study *s)
{
	char text[64];

	put(w, T(0019, 0010), "COUNTY IMAGING 1.0");
	for (unsigned i = 0; i < 24 && !w->err; i++) {
		uint64_t fixed = mix(s->site * 64 + i);
		snprintf(text, sizeof(text), "SET%02u_%08X_%04X", i, (unsigned)fixed, (unsigned)(fixed >> 48));
		w->err = dataset_put(w->ds, TAG(0x0019, 0x1000 + i), VR_LO, bytes_str(text));
	}
}

static void put_times(struct writing_state *w, const struct county_study *s)
{
	static const uint32_t dates[] = { T(0008, 0020), T(0008, 0021), T(0008, 0022), T(0008, 0023) };
	static const uint32_t times[] = { T(0008, 0030), T(0008, 0031), T(0008, 0032), T(0008, 0033) };

	for (size_t i = 0; i < NELEM(dates); i++)
		put(w, dates[i], s->date);
	for (size_t i = 0; i < NELEM(times); i++)
		put(w, times[i], s->time);
}

static unsigned year_of(const char *date)
{
	return (unsigned)((date[0] - '0') * 1000 + (date[1] - '0') * 100 + (date[2] - '0') * 10 + (date[3] - '0'));
}

/* What all images of a study have in common. */
static void put_study(struct writing_state *w, const struct county *c, const struct county_study *s)
{
	const struct { uint32_t tag; const char *text; } texts[] = {
		{ T(0008, 0008), "ORIGINAL\\PRIMARY" }, { TAG_SOP_CLASS_UID, s->sop_class }, { TAG_ACCESSION_NUMBER, s->accession },
		{ TAG_MODALITY, s->modality }, { T(0008, 0068), "FOR PRESENTATION" }, { T(0008, 0070), "County Imaging Co., Ltd." },
		{ T(0008, 0080), s->institution }, { T(0008, 0090), s->referring }, { T(0008, 1010), s->station }, { T(0008, 1030), s->description },
		{ T(0008, 103E), s->description }, { T(0008, 1040), "放射科" }, { T(0008, 1070), s->referring }, { T(0008, 1090), "CI-5000" },
		{ TAG_PATIENT_NAME, s->name }, { TAG_PATIENT_ID, s->patient_id }, { T(0010, 0030), s->birth_date }, { T(0010, 0040), s->sex },
		{ T(0018, 0015), s->body_part }, { T(0018, 1000), "SN-2019-000417" }, { T(0018, 1020), "V3.1.7 build 20190412" },
		{ T(0018, 1030), s->description }, { T(0018, 1110), "1800" }, { T(0018, 1164), "0.139\\0.139" }, { T(0018, 1508), "CARM" },
		{ T(0018, 5101), "PA" }, { TAG_STUDY_UID, s->study_uid }, { T(0020, 0010), s->study_id }, { T(0020, 0011), "1" }, { T(0020, 0020), "L\\F" },
		{ T(0028, 0004), "MONOCHROME2" }, { T(0028, 0301), "NO" }, { T(0028, 1040), "LOG" }, { T(0028, 1052), "0" }, { T(0028, 1053), "1" },
		{ T(0028, 1054), "US" }, { T(0028, 2110), "00" }, { T(0040, 0253), "PPS0001" }, { T(2050, 0020), "IDENTITY" },
	};
	static const struct { uint32_t tag; unsigned v; } numbers[] = {
		{ T(0028, 0002), 1 }, { T(0028, 0010), 2048 }, { T(0028, 0011), 2048 }, { T(0028, 0100), 16 }, { T(0028, 0101), 14 },
		{ T(0028, 0102), 13 }, { T(0028, 0103), 0 } };
	char text[65];

	if (*s->charset)
		put(w, TAG_SPECIFIC_CHARACTER_SET, s->charset);
	for (size_t i = 0; i < NELEM(texts); i++)
		put(w, texts[i].tag, texts[i].text);
	for (size_t i = 0; i < NELEM(numbers) && !w->err; i++)
		w->err = dataset_put_us(w->ds, numbers[i].tag, (uint16_t)numbers[i].v);
	put_times(w, s);
	snprintf(text, sizeof(text), "%03uY", year_of(s->date) > year_of(s->birth_date) ? year_of(s->date) - year_of(s->birth_date) : 0);
	put(w, T(0010, 1010), text);
	county_series_uid(c, s, text);
	put(w, TAG_SERIES_UID, text);
	put_private(w, s);
}

static void put_number(struct writing_state *w, uint32_t tag, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	put(w, tag, text);
}

/* What is an image's own; each is there already after the first one. */
static void put_image(struct writing_state *w, const struct county *c, const struct county_study *s, unsigned image)
{
	uint64_t r = chance(c, OF_IMAGE, (uint64_t)s->number << 12 | image);
	static const struct { uint32_t tag; unsigned from, below; } numbers[] = {
		{ T(0018, 0060), 50, 70 }, { T(0018, 1150), 5, 200 }, { T(0018, 1151), 100, 200 }, { T(0018, 1152), 1, 300 }, { T(0018, 1405), 100, 900 },
		{ T(0019, 1030), 0, 100000 }, { T(0028, 1050), 4000, 4000 }, { T(0028, 1051), 2000, 6000 } };
	char uid[65];

	county_sop_uid(c, s, image, uid);
	put(w, TAG_SOP_INSTANCE_UID, uid);
	put_number(w, T(0020, 0013), image + 1);
	for (size_t i = 0; i < NELEM(numbers); i++)
		put_number(w, numbers[i].tag, numbers[i].from + draw(&r, numbers[i].below));
}

enum err county_headers(const struct county *c, const struct county_study *s, struct buf *out, size_t *ends)
{
	struct arena a;

	arena_init(&a, 4 << 20);
	struct writing_state w = { dataset_new(&a), s->charset, ERR_OK };
	if (!w.ds)
		return ERR_NOMEM;
	put_study(&w, c, s);
	for (unsigned i = 0; i < s->images && !w.err; i++) {
		put_image(&w, c, s, i);
		if (!w.err)
			w.err = dataset_write(w.ds, DS_EXPLICIT_LE, out);
		ends[i] = out->len;
	}
	arena_fini(&a);
	return w.err;
}
