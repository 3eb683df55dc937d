/* Any bytes as a directory: names that come out are comparable, sorted, found again, and could never leave a folder. */
#include "pacs/media/dicomdir.h"

#include "pacs/media/media_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dicomdir d;
	struct media_file f;
	struct why why;
	char name[2048];
	(void)!media_recognise(bytes_of(data, size), &f);
	if (dicomdir_read(bytes_of(data, size), &d, &why) == ERR_OK) {
		for (size_t i = 0; i < d.count; i++) {
			const char *n = d.files[i].name;
			MUST(dicomdir_find(&d, n) == &d.files[i]);
			MUST(!i || strcmp(d.files[i - 1].name, n) < 0);
			MUST(n[0] && n[0] != '/' && dicomdir_name(n, name, sizeof(name)) && strlen(name) <= strlen(n));
			for (const char *c = n; c; c = strchr(c, '/')) {
				c += *c == '/';
				size_t len = strcspn(c, "/");
				MUST(!(len == 2 && c[0] == '.' && c[1] == '.'));
			}
		}
		MUST(d.count <= d.records);
	}
	dicomdir_fini(&d);
	return 0;
}
