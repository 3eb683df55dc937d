#include "pacs/orders/order_json.h"

json_t *order_to_json(const struct order *o)
{
	json_t *out = json_object();
	for (size_t i = 0; out && i < order_field_count; i++) {
		const char *value = order_get(o, &order_fields[i]);
		if (value[0] && json_object_set_new(out, order_fields[i].name, json_string(value))) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

enum err order_from_json(const json_t *from, struct order *out, struct why *why)
{
	enum err e = json_is_object(from) ? ERR_OK : fail(why, ERR_FORMAT, "an order is a JSON object");
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; !e && i < order_field_count; i++) {
		const char *value = json_string_value(json_object_get(from, order_fields[i].name));
		if (value)
			e = order_set(out, &order_fields[i], value, why);
	}
	return e;
}
