/*
 * GET /imports/routes: what was imported last.  GET /imports/routes/file: its
 * lines.  DELETE /imports/routes: takes all of it out.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/http/id.h"
#include "api/route/import.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "routing/import.h"
#include "store/store.h"

#define BLOCK (64 * 1024)

json_t *
import_get(struct request *r, uint64_t *rev)
{
	json_t *record = store_get(r->api->store, IMPORT_KEY, rev);

	return record != NULL ? record : json_object();
}

json_t *
import_shape(json_t *record)
{
	if (!json_is_string(json_object_get(record, "file")))
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:o}", "file",
	    model_text(record, "file"), "bytes",
	    (json_int_t)model_number(record, "bytes"), "pools",
	    (json_int_t)model_number(record, "pools"), "hosts",
	    (json_int_t)model_number(record, "hosts"), "routes",
	    (json_int_t)model_number(record, "paths"), "user",
	    model_text(record, "user"), "created_at",
	    id_time_of(record, "created"));
}

json_t *
import_before(json_t *record)
{
	json_t *list = json_deep_copy(json_object_get(record, "before"));
	json_t *file = json_object_get(record, "file");

	if (list == NULL)
		list = json_array();
	if (json_is_string(file))
		json_array_append(list, file);
	/* Older ones were mirrored and taken out again long ago. */
	while (json_array_size(list) > 8)
		json_array_remove(list, 0);
	return list;
}

void
import_info(struct request *r)
{
	json_t *record = import_get(r, NULL);

	respond_json(r, MHD_HTTP_OK, import_shape(record));
	json_decref(record);
}

static struct MHD_Response *
open_file(struct request *r, const char *file)
{
	struct MHD_Response *answer;
	char path[512];
	struct stat sb;
	int fd;

	import_path_of(r->api->conf, file, path, sizeof(path));
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		respond_broken(r, "the imported routes can't be read: %s",
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	answer = MHD_create_response_from_fd((size_t)sb.st_size, fd);
	if (answer == NULL) {
		close(fd);
		respond_broken(r, "out of memory");
	}
	return answer;
}

void
import_file(struct request *r)
{
	json_t *record = import_get(r, NULL);
	const char *file = json_string_value(json_object_get(record, "file"));
	struct MHD_Response *answer;

	if (file == NULL)
		respond_missing(r, "no routes are imported");
	else if ((answer = open_file(r, file)) != NULL) {
		(void)MHD_add_response_header(
		    answer, "Content-Type", "text/plain; charset=utf-8");
		respond_with(r, MHD_HTTP_OK, answer);
	}
	json_decref(record);
}

/* The record stays: a walk has to see that something has changed. */
void
import_delete(struct request *r)
{
	json_t *record, *old;
	uint64_t rev;

	old = import_get(r, &rev);
	if (!json_is_string(json_object_get(old, "file"))) {
		respond_missing(r, "no routes are imported");
		json_decref(old);
		return;
	}
	record = json_pack("{s:n, s:o}", "file", "before", import_before(old));
	json_decref(old);
	import_commit(r, record, rev, MHD_HTTP_OK);
}
