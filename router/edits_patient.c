/* Whose a study becomes. */
#include "router/edits.h"

#include <stdio.h>
#include <string.h>

#include "db/edit_look.h"

enum { ID, ISSUER, NAME, BORN, SEX };

static const struct { uint32_t tag; const char *keyword; } tags[EDIT_PATIENT_TAGS] = {
	[ID] = { TAG_PATIENT_ID, "PatientID" }, [ISSUER] = { TAG(0x0010, 0x0021), "IssuerOfPatientID" }, [NAME] = { TAG_PATIENT_NAME, "PatientName" },
	[BORN] = { TAG(0x0010, 0x0030), "PatientBirthDate" }, [SEX] = { TAG(0x0010, 0x0040), "PatientSex" },
};

int edits_patient_place(uint32_t tag)
{
	for (int i = 0; i < EDIT_PATIENT_TAGS; i++)
		if (tags[i].tag == tag)
			return i;
	return -1;
}

static void values_of(const struct index_patient *p, const char *out[EDIT_PATIENT_TAGS])
{
	out[ID] = p->patient_id;
	out[ISSUER] = p->issuer;
	out[NAME] = p->name;
	out[BORN] = p->birth_date;
	out[SEX] = p->sex;
}

static void fill(const char *study_uid, const char *const values[EDIT_PATIENT_TAGS], struct edit_rule *rules)
{
	for (int i = 0; i < EDIT_PATIENT_TAGS; i++) {
		rules[i] = (struct edit_rule){ .tag = tags[i].tag };
		snprintf(rules[i].study.s, sizeof(rules[i].study.s), "%s", study_uid);
		snprintf(rules[i].value, sizeof(rules[i].value), "%s", values[i]);
	}
}

/* Somebody with that ID is here: what is given may add to what is known of him, and not differ from it. */
static enum err agree(const struct edit_patient *who, const char *const given[EDIT_PATIENT_TAGS], const char *values[EDIT_PATIENT_TAGS], struct why *why)
{
	values_of(&who->p, values);
	for (int i = NAME; i < EDIT_PATIENT_TAGS; i++) {
		if (given[i] && values[i][0] && strcmp(given[i], values[i]))
			return fail(why, ERR_CONFLICT, "the patient with this PatientID has another %s here, in %u studies. If the ID is right, leave %s out; "
			            "if he is registered wrongly, correct one of his studies with --patient first", tags[i].keyword, who->studies, tags[i].keyword);
		if (given[i] && !values[i][0])
			values[i] = given[i];
	}
	return ERR_OK;
}

static enum err same_patient(const struct edit_patient *now, const char *const given[EDIT_PATIENT_TAGS], bool everywhere, const char *values[EDIT_PATIENT_TAGS], struct why *why)
{
	if (now->studies > 1 && !everywhere)
		return fail(why, ERR_CONFLICT, "the patient of this study has %u studies here, and all would change. If the study is another person's, give his PatientID; "
		            "if the person is registered wrongly, say --patient, and it is corrected in all of them", now->studies);
	values_of(&now->p, values);
	for (int i = NAME; i < EDIT_PATIENT_TAGS; i++)
		if (given[i])
			values[i] = given[i];
	return ERR_OK;
}

/* ---- all his studies ---- */

struct fanning { const char *study; const char *const *values; struct edit_rule *rules; size_t room, n; };

static bool fan_out(void *arg, const char *study_uid)
{
	struct fanning *f = arg;
	if (!strcmp(study_uid, f->study))
		return true;
	if (f->room - f->n < EDIT_PATIENT_TAGS)
		return false;
	fill(study_uid, f->values, f->rules + f->n);
	f->n += EDIT_PATIENT_TAGS;
	return true;
}

static enum err fill_all(struct index_reader *ix, const struct edit_patient *who, struct fanning *f, struct why *why)
{
	if (who->studies * (size_t)EDIT_PATIENT_TAGS > f->room)
		return fail(why, ERR_LIMIT, "the patient has %u studies here, too many to correct at once; correct the patient in the hospital's system (HL7 ADT^A08)", who->studies);
	fill(f->study, f->values, f->rules);
	f->n = EDIT_PATIENT_TAGS;
	return who->studies > 1 ? edit_look_studies_like(ix, f->study, fan_out, f, why) : ERR_OK;
}

/* Somebody else: who is here already, or a new one. */
static enum err other_patient(struct index_reader *ix, const struct edit_patient *now, const char *const given[EDIT_PATIENT_TAGS],
                              struct edit_patient *other, const char *values[EDIT_PATIENT_TAGS], struct why *why)
{
	const char *id = given[ID] ? given[ID] : now->p.patient_id;
	if (!given[ID] && !now->has_id)
		return fail(why, ERR_USAGE, "the study has no PatientID: give one together with IssuerOfPatientID");
	enum err e = edit_look_patient(ix, id, given[ISSUER], other, why);
	if (!e && other->rows > 1)
		return fail(why, ERR_CONFLICT, "%u patients have this PatientID, of different issuers: give IssuerOfPatientID too", other->rows);
	if (e || other->rows)
		return e ? e : agree(other, given, values, why);
	values_of(&now->p, values);
	values[ID] = id;
	values[ISSUER] = given[ISSUER] ? given[ISSUER] : "";
	for (int i = NAME; i < EDIT_PATIENT_TAGS; i++)
		values[i] = given[i] ? given[i] : values[i];
	return ERR_OK;
}

enum err edits_patient_rules(struct index_reader *ix, const char *study_uid, const char *const given[EDIT_PATIENT_TAGS], bool everywhere,
                             struct edit_rule *rules, size_t room, size_t *n, struct why *why)
{
	struct edit_patient now, other;
	const char *values[EDIT_PATIENT_TAGS];
	struct fanning f = { study_uid, values, rules, room, 0 };
	enum err e = edit_look_study_patient(ix, study_uid, &now, why);
	*n = EDIT_PATIENT_TAGS;
	if (e)
		return e;
	if (given[ID] && !given[ID][0])
		return fail(why, ERR_DENIED, "a study cannot be made one of nobody: give a PatientID, or delete the study");
	bool is_same = (!given[ID] || !strcmp(given[ID], now.p.patient_id)) && (!given[ISSUER] || !strcmp(given[ISSUER], now.p.issuer));
	if (!is_same && everywhere)
		return fail(why, ERR_USAGE, "--patient corrects the patient as he is; leave it out to give this study to another one");
	e = is_same ? same_patient(&now, given, everywhere, values, why) : other_patient(ix, &now, given, &other, values, why);
	if (!e && is_same)
		e = fill_all(ix, &now, &f, why);
	else if (!e)
		fill(study_uid, values, rules);
	*n = is_same ? f.n : EDIT_PATIENT_TAGS;
	return e;
}

enum err edits_patient_of(struct index_reader *ix, const char *from, const char *into, struct edit_rule *rules, bool *is_same, struct why *why)
{
	struct edit_patient a, b;
	const char *values[EDIT_PATIENT_TAGS];
	enum err e = edit_look_study_patient(ix, from, &a, why);
	if (!e)
		e = edit_look_study_patient(ix, into, &b, why);
	if (e)
		return e;
	/* Who has no ID is nobody's double. */
	*is_same = a.has_id && !strcmp(a.p.patient_id, b.p.patient_id) && !strcmp(a.p.issuer, b.p.issuer);
	values_of(&b.p, values);
	fill(from, values, rules);
	return ERR_OK;
}
