/* The database's tables, and how an older file gets them. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/statement.h"

#define SCHEMA_APPLICATION_ID 0x41495047 /* `AIPG` */

/* Judges the bytes of the file before any SQL touches it: it is empty, or a database of this program and not of a later
 * version. Errors: store.invalid, store.unavailable. */
AIP_MUST_CHECK aip_status schema_check_file(store *s, aip_error *err);

/* Brings the tables up to this program's version, one transaction a version. Errors: store.invalid (the journal holds a
 * later version), store.unavailable, memory. */
AIP_MUST_CHECK aip_status schema_migrate(store *s, aip_error *err);

#endif
