#include "db/index_cache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static size_t slot_of(const char *key, uint64_t seed, size_t slots)
{
	return (size_t)(XXH3_64bits_withSeed(key, strlen(key), seed) % slots);
}

struct cached_study *cache_study(struct index_cache *c, const char *study_uid)
{
	return &c->studies[slot_of(study_uid, 0, CACHE_STUDIES)];
}

struct cached_series *cache_series(struct index_cache *c, const char *series_uid, int64_t study)
{
	return &c->series[slot_of(series_uid, (uint64_t)study, CACHE_SERIES)];
}

struct cached_text *cache_text(struct index_cache *c, const struct cached_text *like)
{
	uint64_t hash = (uint64_t)like->day;
	const char *const key[] = { like->calling, like->said, like->how, like->declared, like->found };
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		hash = XXH3_64bits_withSeed(key[i], strlen(key[i]), hash);
	return &c->texts[hash % CACHE_TEXTS];
}

struct cached_term *cache_term(struct index_cache *c, const char *text)
{
	return &c->terms[slot_of(text, 0, CACHE_TERMS)];
}
