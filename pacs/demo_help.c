#include <string.h>
#include <unistd.h>

#include "pacs/demo.h"

/* Shorter when it is below where we are. */
static const char *short_bin(const struct demo *d)
{
	char here[PATH_MAX];
	size_t n = getcwd(here, sizeof(here)) ? strlen(here) : 0;
	return n && !strncmp(d->bin, here, n) && d->bin[n] == '/' ? d->bin + n + 1 : d->bin;
}

void demo_print_next(const struct demo *d)
{
	const char *bin = short_bin(d);
	const struct demo_node *clinic = &d->nodes[CLINIC], *county = &d->nodes[COUNTY], *province = &d->nodes[PROVINCE];
	printf("\nThe three nodes stay up. In another terminal, try:\n\n"
	       "  %s/pacs -C %s status\n"
	       "  %s/pacs -C %s study list\n"
	       "  %s/pacs -C %s worklist list\n", bin, county->dir, bin, county->dir, bin, county->dir);
	printf("  %s/viewer-cli --node 127.0.0.1:%u --called %s --calling READER list\n"
	       "  %s/viewer-cli --node 127.0.0.1:%u --called %s --calling READER claim\n"
	       "  %s/viewer-cli show %s\n", bin, county->port, county->aet, bin, province->port, province->aet, bin, d->images[0].path);
	printf("  storescu -aec %s 127.0.0.1 %u %s\n"
	       "  findscu -S -aet READER -aec %s -k QueryRetrieveLevel=STUDY -k PatientName -k StudyDate -k ModalitiesInStudy -k StudyInstanceUID 127.0.0.1 %u\n"
	       "  echoscu -aet STRANGER -aec %s 127.0.0.1 %u; %s/pacs -C %s node pending\n",
	       clinic->aet, clinic->port, d->images[0].path, county->aet, county->port, clinic->aet, clinic->port, bin, clinic->dir);
	printf("\nCtrl-C ends all.\n");
	fflush(stdout);
}
