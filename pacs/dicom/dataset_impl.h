/* dataset_impl - what the files of dataset share; nobody else includes it. */
#ifndef PACS_DICOM_DATASET_IMPL_H
#define PACS_DICOM_DATASET_IMPL_H

#include "pacs/dicom/dataset.h"

/* A zeroed element in the data set's arena, not linked yet; NULL: out of arena. */
struct element *dataset_element_new(struct arena *a, uint32_t tag, vr_t vr);
/* Links it behind the last one, whatever the order. */
void dataset_append(struct dataset *ds, struct element *el);
/* Puts elements into ascending order; of equal tags the one appended last stays. */
void dataset_sort(struct dataset *ds);
/* Reverses the bytes of each unit of `unit` bytes; a tail shorter than a unit stays. */
void dataset_swap(uint8_t *p, size_t len, unsigned unit);

#endif
