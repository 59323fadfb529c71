/*
 * For build_kills.c: a way to each cell of the table of builds, and how a
 * build ends that was killed there.
 */
#ifndef PAAS_BUILD_KILL_ROWS_H
#define PAAS_BUILD_KILL_ROWS_H

#include "build_launcher.h"

#include "build/room.h"

/* What of the manager makes the event. */
enum way { USUAL, MUTE_ONCE, MUTE, LATE_BUILD, LATE_CHECK, APP_GOES };

struct kill_row {
	enum job_state state;
	enum job_event event;
	const char *from; /* the record's state at the start */
	struct play play;
	enum way way;
	enum store_result commit; /* of the first one in that state */
	const char *end;          /* if the next manager is to find out */
};

/* clang-format off */
#define WELL {ENDS, ENDS, 0, 0}
#define S "succeeded"
#define F "failed"

static const struct kill_row kill_rows[] = {
    {JOB_PENDING, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_PENDING, JOB_BAD, "pending", WELL, MUTE, STORE_OK, S},
    {JOB_PENDING, JOB_AGAIN, "pending", WELL, MUTE_ONCE, STORE_OK, S},
    {JOB_PENDING, JOB_APPGONE, "pending", {HANGS, ENDS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_NOTE_BUILD, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_NOTE_BUILD, JOB_BAD, "pending", WELL, USUAL, STORE_ERROR, S},

    {JOB_BUILD, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_BUILD, JOB_BAD, "pending", {FAILS, ENDS, 0, 0}, USUAL, STORE_OK, F},
    {JOB_BUILD, JOB_AGAIN, "pending", {DROPS, ENDS, 0, 0}, USUAL, STORE_OK, S},
    {JOB_BUILD, JOB_LATE, "pending", {HANGS, ENDS, 0, 0}, LATE_BUILD, STORE_OK,
	F},
    {JOB_BUILD, JOB_APPGONE, "pending", {HANGS, ENDS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_ADOPT_BUILD, JOB_OK, "running", WELL, USUAL, STORE_OK, S},
    {JOB_ADOPT_BUILD, JOB_BAD, "running", {FAILS, ENDS, 0, 0}, USUAL, STORE_OK,
	F},
    {JOB_ADOPT_BUILD, JOB_LATE, "running", {HANGS, ENDS, 0, 0}, LATE_BUILD,
	STORE_OK, F},
    {JOB_ADOPT_BUILD, JOB_APPGONE, "running", {HANGS, ENDS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_WANT_CHECK, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_WANT_CHECK, JOB_BAD, "pending", WELL, MUTE, STORE_OK, S},
    {JOB_WANT_CHECK, JOB_AGAIN, "pending", WELL, MUTE_ONCE, STORE_OK, S},
    {JOB_WANT_CHECK, JOB_APPGONE, "pending", {ENDS, HANGS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_NOTE_CHECK, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_NOTE_CHECK, JOB_BAD, "pending", WELL, USUAL, STORE_ERROR, S},

    {JOB_CHECK, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_CHECK, JOB_BAD, "pending", {ENDS, FAILS, 0, 0}, USUAL, STORE_OK, F},
    {JOB_CHECK, JOB_AGAIN, "pending", {ENDS, DROPS, 0, 0}, USUAL, STORE_OK, S},
    {JOB_CHECK, JOB_LATE, "pending", {ENDS, HANGS, 0, 0}, LATE_CHECK, STORE_OK,
	F},
    {JOB_CHECK, JOB_APPGONE, "pending", {ENDS, HANGS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_ADOPT_CHECK, JOB_OK, "inspecting", WELL, USUAL, STORE_OK, S},
    {JOB_ADOPT_CHECK, JOB_BAD, "inspecting", {ENDS, FAILS, 0, 0}, USUAL,
	STORE_OK, F},
    {JOB_ADOPT_CHECK, JOB_LATE, "inspecting", {ENDS, HANGS, 0, 0}, LATE_CHECK,
	STORE_OK, F},
    {JOB_ADOPT_CHECK, JOB_APPGONE, "inspecting", {ENDS, HANGS, 0, 0}, APP_GOES,
	STORE_OK, F},

    {JOB_NAME, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_NAME, JOB_BAD, "pending", WELL, USUAL, STORE_ERROR, S},
    {JOB_NAME, JOB_AGAIN, "pending", WELL, USUAL, STORE_CONFLICT, S},

    {JOB_SEAL, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_SEAL, JOB_ANEW, "pending", {ENDS, ENDS, ENODATA, 0}, USUAL, STORE_OK,
	S},
    {JOB_SEAL, JOB_BAD, "pending", {ENDS, ENDS, EIO, 0}, USUAL, STORE_OK, F},
    {JOB_SEAL, JOB_AGAIN, "pending", {ENDS, ENDS, EBUSY, 0}, USUAL, STORE_OK,
	S},

    {JOB_RELEASE, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_RELEASE, JOB_BAD, "pending", WELL, USUAL, STORE_ERROR, S},
    {JOB_RELEASE, JOB_AGAIN, "pending", WELL, USUAL, STORE_CONFLICT, S},

    {JOB_STOP, JOB_OK, "pending", {HANGS, ENDS, 0, 0}, LATE_BUILD, STORE_OK,
	F},

    {JOB_FAIL, JOB_OK, "pending", {FAILS, ENDS, 0, 0}, USUAL, STORE_OK, F},
    {JOB_FAIL, JOB_AGAIN, "pending", {FAILS, ENDS, 0, 0}, USUAL, STORE_ERROR,
	F},

    {JOB_CLEAN, JOB_OK, "pending", WELL, USUAL, STORE_OK, S},
    {JOB_CLEAN, JOB_AGAIN, "pending", {ENDS, ENDS, 0, EBUSY}, USUAL, STORE_OK,
	S},
};
/* clang-format on */

#define KILL_ROWS (sizeof(kill_rows) / sizeof(kill_rows[0]))

#endif
