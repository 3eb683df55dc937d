#include "pacs/dicom/name_sound.h"

#include "pacs/base/clock.h"
#include "pacs/dicom/han.h"
#include "pacs/dicom/match.h"
#include "pacs/dicom/text_fold.h"
#include "tests/lib/t.h"

static bool has(const struct name_sounds *s, const char *want)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->text[i], want))
			return true;
	return false;
}

static void sounds_of(const char *name, struct name_sounds *out)
{
	char folded[1024];
	CHECK(text_fold_into(name, folded, sizeof(folded)));
	CHECK(name_sounds(folded, out));
}

static void print(const struct name_sounds *s)
{
	for (size_t i = 0; i < s->count; i++)
		printf("#   \"%s\"\n", s->text[i]);
}

/* `want`: comma-separated sounds that must be there. */
static void check_all(const char *name, const char *want)
{
	struct name_sounds s;
	char list[512], *save = NULL;
	sounds_of(name, &s);
	snprintf(list, sizeof(list), "%s", want);
	for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save))
		if (!has(&s, one)) {
			T_FAIL("%s does not sound \"%s\"; it has:", name, one);
			print(&s);
		}
}

TEST(sounds, "a name sounds as its pinyin, together and apart, and as its initials")
{
	static const struct { const char *name, *want; } c[] = {
		{ "张三", "张三,zhangsan,zhang san,zs" }, { "张^三", "zhangsan,zhang san,zs" }, { "ZHANG^SAN=张^三", "zhangsan,zhang san,zs" },
		{ "ZHANG^SAN", "zhangsan,zhang san,zs,=zhangsan,=zhang san" }, { "Zhang San", "zhang san,zs" }, { "ZHANGSAN", "zhangsan,zs" },
		{ "張學國", "zhangxueguo,zxg" }, { "王小东", "wangxiaodong,wang xiaodong,wxd" }, { "Wang^XiaoDong", "wang xiaodong,wxd" },
		{ "Xi'an^Li", "xian li" }, { "Ｚｈａｎｇ　Ｓａｎ", "zhang san" }, { "Buc^Jérôme", "buc jerome,bj" }, { "买买提·艾力", "maimaitiaili,maimaiti aili,mmtal" },
		{ "欧阳修", "ouyangxiu,ouyang xiu,oyx" }, { "司马 相如", "sima xiangru,smxr" }, { "吕布", "lvbu,lubu,lyubu,lb" }, { "〇", "ling" },
		{ "LYU^BU", "lyubu" }, { "Müller^Jörg", "muller jorg,mj" }, { "王A", "wanga,wang a,wa" },
	};
	for (size_t i = 0; i < NELEM(c); i++)
		check_all(c[i].name, c[i].want);
}

TEST(surnames, "family names of another reading are read so, and as people might think")
{
	static const struct { const char *name, *want; } c[] = {
		{ "单田芳", "shantianfang,dantianfang,stf" }, { "曾国藩", "zengguofan,zgf" }, { "解缙", "xiejin,xj" }, { "仇英", "qiuying" }, { "查良镛", "zhaliangyong,zly" },
		{ "区小明", "ouxiaoming,oxm" }, { "盖叫天", "gejiaotian,gjt" }, { "任飞", "renfei" }, { "尉迟恭", "yuchigong,yuchi gong,ycg" }, { "朴树", "piaoshu" },
		{ "翟明", "zhaiming,diming" }, { "万俟雅", "moqiya,moqi ya,mqy" }, { "单于丹", "chanyudan" }, { "乐毅", "yueyi,leyi" }, { "覃芳", "qinfang,tanfang" }, { "缪明", "miaoming" },
		{ "冼星海", "xianxinghai" }, { "繁星", "poxing" }, { "种师道", "chongshidao" }, { "召力", "shaoli" }, { "员外", "yunwai" }, { "阚泽", "kanze" }, { "葛优", "geyou" },
		{ "长孙无忌", "zhangsunwuji,zhangsun wuji" }, { "澹台明", "tantaiming" }, { "黄单", "huangdan" }, { "李晟", "lisheng" }, { "王茜", "wangqian,wangxi" },
	};
	for (size_t i = 0; i < NELEM(c); i++)
		check_all(c[i].name, c[i].want);
}

TEST(foreign, "what has no pinyin has no sounds, and nothing overflows")
{
	struct name_sounds s;
	static const char *const none[] = { "", "=", "^", "やまだ^たろう", "김희중", "123", "Люк", "\xFF\xFE" };
	for (size_t i = 0; i < NELEM(none); i++) {
		sounds_of(none[i], &s);
		CHECK_INT(s.count, 0);
	}
	char name[1000] = "";
	for (size_t i = 0; i < 100; i++)
		strcat(name, "吕长");
	sounds_of(name, &s);
	CHECK(s.count && s.count <= SOUNDS_MAX);
	memset(name, 'x', 900);
	name[900] = '\0';
	sounds_of(name, &s);
	CHECK(s.count);
}

static const struct { const char *key, *name; bool finds; } searches[] = {
	{ "zhang san", "张三", true }, { "zhangsan", "张三", true }, { "zs", "张三", true }, { "ZS", "张^三", true }, { "z s", "张三", true }, { "Z^S", "张三", true },
	{ "ZHANG^SAN", "张三", true }, { "zhang^san", "张^三", true }, { "zhangs", "张三", false }, { "zhangs*", "张三", true }, { "zhang s*", "张三", true },
	{ "zhang^*", "张三", true }, { "li^*", "刘三", false }, { "li*", "刘三", true }, { "li^*", "李三", true }, { "zh?ngsan", "张三", true }, { "*zhangsan*", "张三", true },
	{ "?hangsan", "张三", false }, { "*san", "张三", false }, { "z*", "张三", false }, { "zh*", "张三", true }, { "张三", "ZHANG^SAN", true }, { "张三", "章三", false }, { "张三", "张^三", true }, { "张^三", "张三", true }, { "张^*", "张三", true }, { "张?", "张^三", true }, { "张?", "张^三丰", false },
	{ "张*", "ZHANG^SAN", true }, { "张^*", "ZHANG^SAN", true }, { "李^*", "LIU^SAN", false }, { "张^三", "ZHANG^SAN", true }, { "張三", "ZHANG^SAN", true }, { "张三", "ZHANG^SAN=章^三", false },
	{ "zhang san", "ZHANG^SAN", true }, { "zhangsan", "Zhang San", true }, { "zs", "ZHANG^SAN", true }, { "wxd", "WANG^XIAODONG", true }, { "lvbu", "吕布", true },
	{ "lü bu", "吕布", true }, { "lubu", "吕布", true }, { "shantianfang", "单田芳", true }, { "dan tianfang", "单田芳", true }, { "zhang xiao dong", "张小东", true },
	{ "zhang1", "张三", false }, { "zhang=san", "张三", false }, { "wang", "王五", false }, { "oyx", "欧阳修", true }, { "ouyang^xiu", "欧阳修", true }, { "ou yangxiu", "欧阳修", false },
	{ "xi'an li", "Xian^Li", true }, { "jerome*", "Jérôme^Buc", true }, { "Jérôme^Buc", "JEROME^BUC", true }, { "zhang san^", "张三", true },
};

TEST(keys, "a query value finds a name by its sound, and only where it can be meant so")
{
	struct name_sound_key k;
	char folded[256];
	for (size_t i = 0; i < NELEM(searches); i++) {
		name_sound_key(searches[i].key, &k);
		CHECK(text_fold_into(searches[i].name, folded, sizeof(folded)));
		if (name_sound_matches(&k, folded) != searches[i].finds)
			T_FAIL("\"%s\" %s %s by sound (%zu patterns, first \"%s\")", searches[i].key, searches[i].finds ? "does not find" : "finds", searches[i].name, k.count, k.count ? k.pattern[0] : "");
	}
}

/* Every character of the common set has a reading, and whoever types it in full finds it. */
TEST(complete, "every character of the main block that ICU reads is found by its reading")
{
	size_t read = 0;
	struct name_sound_key k;
	for (uint32_t c = 0x4E00; c <= 0x9FFF; c++) {
		const char *r = han_reading(c);
		char name[16], folded[16], key[32];
		if (!r)
			continue;
		read++;
		snprintf(name, sizeof(name), "王%c%c%c", (char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3F)), (char)(0x80 | (c & 0x3F)));
		CHECK(text_fold_into(name, folded, sizeof(folded)));
		snprintf(key, sizeof(key), "wang%s", han_reading(han_simplified(c)));
		name_sound_key(key, &k);
		if (!name_sound_matches(&k, folded))
			T_FAIL("U+%04X is not found by \"%s\"", c, key);
	}
	printf("# %zu characters\n", read);
	CHECK(read > 20000);
}

TEST(cost, "the sounds of a name cost less than 20 microseconds")
{
	static const char *const names[] = { "张三", "欧阳修", "ZHANG^SAN=张^三", "单田芳", "WANG^XIAODONG", "吕布" };
	struct name_sounds s;
	uint64_t best = UINT64_MAX;
	for (int round = 0; round < 5; round++) {
		uint64_t began = clock_mono_ns();
		for (int i = 0; i < 600; i++) {
			char folded[128];
			text_fold_into(names[i % NELEM(names)], folded, sizeof(folded));
			CHECK(name_sounds(folded, &s));
		}
		uint64_t one = (clock_mono_ns() - began) / 600;
		best = one < best ? one : best;
	}
	printf("# %llu ns\n", (unsigned long long)best);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	CHECK(best < 20000 || getenv("T_SLOWED"));
#endif
}

int main(void)
{
	RUN(sounds);
	RUN(surnames);
	RUN(foreign);
	RUN(keys);
	RUN(complete);
	RUN(cost);
	return t_done();
}
