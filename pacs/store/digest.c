#include "pacs/store/digest.h"

#include <xxhash.h>

#include "pacs/base/fault.h"

struct digest *digest_new(void)
{
	XXH3_state_t *s = fault_fails(FAULT_ALLOC) ? NULL : XXH3_createState();
	if (s)
		XXH3_128bits_reset(s);
	return (struct digest *)s;
}

void digest_free(struct digest **d)
{
	XXH3_freeState((XXH3_state_t *)*d);
	*d = NULL;
}

void digest_add(struct digest *d, struct bytes b)
{
	if (b.len)
		XXH3_128bits_update((XXH3_state_t *)d, b.p, b.len);
}

void digest_hex(const struct digest *d, char out[33])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest((const XXH3_state_t *)d));
	for (size_t i = 0; i < sizeof(c.digest); i++) {
		out[2 * i] = "0123456789abcdef"[c.digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[c.digest[i] & 15];
	}
	out[32] = '\0';
}
