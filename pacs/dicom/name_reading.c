#include "pacs/dicom/name_reading.h"

#include <stdio.h>
#include <string.h>

#include "pacs/base/err.h"
#include "pacs/dicom/han.h"

/* Family names beyond those that han_surname() knows from ICU. Two readings where people of that name use both; the
 * common one follows in any case, since whoever searches may not know better. */
static const struct { uint32_t c; const char *readings; } surnames[] = {
	{ U'盖', "ge gai" }, { U'乐', "yue le" }, { U'朴', "piao" }, { U'翟', "zhai di" }, { U'覃', "qin tan" }, { U'缪', "miao mou" },
	{ U'洗', "xian" }, { U'员', "yun yuan" }, { U'牟', "mu mou" }, { U'句', "gou" }, { U'隗', "wei kui" }, { U'柏', "bai bo" }, { U'宓', "fu mi" },
	{ U'黑', "he hei" }, { U'都', "du" }, { U'薄', "bo" }, { U'藏', "zang" }, { U'祭', "zhai ji" }, { U'能', "nai" }, { U'郗', "xi chi" },
	{ U'阚', "kan" }, { U'谌', "chen shen" }, { U'费', "fei bi" }, { U'尉', "wei yu" }, { U'强', "qiang jiang" }, { U'乜', "nie" },
	{ U'长', "chang zhang" }, { U'佴', "nai" }, { U'郇', "xun huan" }, { U'莘', "shen xin" }, { U'适', "kuo shi" }, { U'厘', "xi li" },
	{ U'谷', "gu yu" },
};

/* Of two characters; the reading where it is another one than that of its characters. */
static const struct { uint32_t a, b; const char *first, *second; } doubles[] = {
	{ U'欧', U'阳', NULL, NULL }, { U'司', U'马', NULL, NULL }, { U'上', U'官', NULL, NULL }, { U'诸', U'葛', NULL, "ge" },
	{ U'尉', U'迟', "yu", "chi" }, { U'长', U'孙', "zhang", NULL }, { U'万', U'俟', "mo", "qi" }, { U'单', U'于', "chan", "yu" },
	{ U'澹', U'台', "tan", NULL }, { U'令', U'狐', NULL, NULL }, { U'宇', U'文', NULL, NULL }, { U'慕', U'容', NULL, NULL },
	{ U'夏', U'侯', NULL, "hou" }, { U'东', U'方', NULL, NULL }, { U'皇', U'甫', NULL, "fu" }, { U'公', U'孙', NULL, NULL },
	{ U'轩', U'辕', NULL, NULL }, { U'端', U'木', NULL, NULL }, { U'独', U'孤', NULL, NULL }, { U'南', U'宫', NULL, NULL },
	{ U'呼', U'延', NULL, NULL }, { U'鲜', U'于', "xian", NULL }, { U'闻', U'人', NULL, NULL }, { U'淳', U'于', NULL, NULL },
	{ U'太', U'史', NULL, NULL }, { U'申', U'屠', NULL, NULL }, { U'赫', U'连', NULL, NULL }, { U'拓', U'跋', "tuo", NULL },
	{ U'完', U'颜', NULL, NULL }, { U'百', U'里', NULL, NULL }, { U'西', U'门', NULL, NULL }, { U'东', U'郭', NULL, NULL },
	{ U'濮', U'阳', NULL, NULL }, { U'公', U'冶', NULL, NULL }, { U'太', U'叔', NULL, NULL }, { U'钟', U'离', NULL, NULL },
	{ U'宗', U'政', NULL, NULL }, { U'仲', U'孙', NULL, NULL }, { U'司', U'徒', NULL, NULL }, { U'司', U'空', NULL, NULL },
	{ U'第', U'五', NULL, NULL }, { U'梁', U'丘', NULL, NULL }, { U'左', U'丘', NULL, NULL }, { U'公', U'羊', NULL, NULL },
	{ U'谷', U'梁', NULL, NULL }, { U'段', U'干', NULL, "gan" }, { U'东', U'里', NULL, NULL }, { U'微', U'生', NULL, NULL },
	{ U'乐', U'正', "yue", NULL }, { U'南', U'门', NULL, NULL }, { U'北', U'堂', NULL, NULL }, { U'纳', U'兰', NULL, NULL },
	{ U'叶', U'赫', NULL, NULL }, { U'哥', U'舒', NULL, NULL }, { U'爱', U'新', NULL, NULL }, { U'巫', U'马', NULL, NULL },
	{ U'漆', U'雕', NULL, NULL }, { U'壤', U'驷', NULL, NULL }, { U'公', U'良', NULL, NULL }, { U'亓', U'官', NULL, NULL },
	{ U'司', U'寇', NULL, NULL }, { U'颛', U'孙', NULL, NULL }, { U'闾', U'丘', NULL, NULL }, { U'子', U'车', NULL, "ju" },
	{ U'夹', U'谷', "jia", NULL }, { U'宰', U'父', NULL, "fu" }, { U'羊', U'舌', NULL, NULL }, { U'欧', U'侯', NULL, NULL },
	{ U'呼', U'衍', NULL, NULL }, { U'步', U'六', NULL, NULL }, { U'侯', U'莫', NULL, NULL },
};

/* Given names that are said in more than one way, or in another one than ICU's. */
static const struct { uint32_t c; const char *readings; } given[] = {
	{ U'乐', "le yue" }, { U'晟', "sheng cheng" }, { U'茜', "qian xi" }, { U'长', "chang zhang" }, { U'朝', "chao zhao" }, { U'行', "xing hang" },
	{ U'重', "chong zhong" }, { U'传', "chuan zhuan" }, { U'藏', "cang zang" }, { U'都', "dou du" }, { U'莎', "sha suo" }, { U'曾', "zeng ceng" },
	{ U'柏', "bai bo" }, { U'薄', "bo bao" }, { U'调', "diao tiao" }, { U'单', "dan shan" }, { U'解', "jie xie" }, { U'还', "huan hai" },
	{ U'了', "le liao" }, { U'地', "di" }, { U'厦', "xia sha" }, { U'宿', "su xiu" }, { U'仇', "chou qiu" }, { U'缪', "miao mou" },
	{ U'弹', "dan tan" }, { U'觉', "jue jiao" }, { U'校', "xiao jiao" }, { U'降', "jiang xiang" }, { U'干', "gan qian" },
};

static bool add(struct readings *out, const char *text, size_t len)
{
	if (!len || len >= READING_TEXT || out->count == READINGS_MAX)
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (strlen(out->text[i]) == len && !memcmp(out->text[i], text, len))
			return false;
	memcpy(out->text[out->count], text, len);
	out->text[out->count++][len] = '\0';
	return true;
}

static void add_list(struct readings *out, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, " ");
		add(out, list, len);
		list += len + (list[len] == ' ');
	}
}

bool reading_is_double_surname(uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < NELEM(doubles); i++)
		if (doubles[i].a == a && doubles[i].b == b)
			return true;
	return false;
}

/* Typed and printed in three ways: lv, lu, lyu; and lve, lue. */
static void add_without_v(struct readings *out)
{
	size_t had = out->count;
	for (size_t i = 0; i < had; i++) {
		char *v = strchr(out->text[i], 'v'), text[READING_TEXT + 1];
		if (!v)
			continue;
		size_t at = (size_t)(v - out->text[i]);
		snprintf(text, sizeof(text), "%s", out->text[i]);
		text[at] = 'u';
		add(out, text, strlen(text));
		if (text[at + 1])
			continue;
		snprintf(text + at, sizeof(text) - at, "yu");
		add(out, text, strlen(text));
	}
}

void reading_of(uint32_t c, enum reading_place place, uint32_t other, struct readings *out)
{
	*out = (struct readings){ .c = c };
	bool is_first = place == READING_SURNAME;
	for (size_t i = 0; other && i < NELEM(doubles); i++)
		if (doubles[i].a == (is_first ? c : other) && doubles[i].b == (is_first ? other : c))
			add_list(out, is_first ? doubles[i].first : doubles[i].second);
	for (size_t i = 0; is_first && !other && i < NELEM(surnames); i++)
		if (surnames[i].c == c)
			add_list(out, surnames[i].readings);
	if (is_first && !other)
		add_list(out, han_surname(c));
	for (size_t i = 0; place == READING_GIVEN && i < NELEM(given); i++)
		if (given[i].c == c)
			add_list(out, given[i].readings);
	add_list(out, han_reading(c));
	add_without_v(out);
}

/* ---- syllables of a word in letters ---- */

/* Longest syllables first, going back where the rest is then no pinyin. `budget` ends hostile words. */
static bool split(const char *s, char *out, size_t cap, unsigned *budget)
{
	enum { LONGEST = 6 };
	size_t len = strnlen(s, LONGEST);
	if (!len) {
		*out = '\0';
		return true;
	}
	for (; len && cap >= 2 && *budget; len--) {
		if (!han_is_syllable(s, len))
			continue;
		--*budget;
		if (split(s + len, out + 1, cap - 1, budget)) {
			*out = s[0];
			return true;
		}
	}
	return false;
}

void reading_initials(const char *word, char *out, size_t cap)
{
	unsigned budget = 200;
	if (cap >= 2 && !split(word, out, cap, &budget)) {
		out[0] = word[0];
		out[1] = '\0';
	}
}
