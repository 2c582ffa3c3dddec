/* Every cap of the project, each with its reason. Nothing else bounds what strangers send. */
#ifndef AIP_LIMITS_H
#define AIP_LIMITS_H

/* Tokens (spec/token.md). Nine elements of about 600 bytes fit twice over; headers stay under 32 KiB. */
#define AIP_TOKEN_BYTES_MAX 16384
#define AIP_TOKEN_BYTES_DEFAULT 8192
#define AIP_CHAIN_ELEMENTS_MAX 16  /* max_depth is at most 15, so 16 links */
#define AIP_ELEMENT_BYTES_MAX 8192 /* one element; its decoded payload is three quarters of it */
#define AIP_SCOPE_ENTRIES_MAX 64   /* attenuation compares each with each: 4,096 short compares a hop */
#define AIP_SCOPE_BYTES_MAX 256
#define AIP_AUDIENCES_MAX 16
#define AIP_CONTEXT_BYTES_MAX 256
#define AIP_IDENTIFIER_BYTES_MAX 512 /* aip:web and did:web names; did:aip ones end at 256 */
#define AIP_DID_AIP_BYTES_MAX 256
#define AIP_DEPTH_MAX 15
#define AIP_CONSTRAINT_NODES_MAX 64 /* an element's constraints, so evaluation stays linear and small */
#define AIP_CONSTRAINT_DEPTH_MAX 8
#define AIP_SHARES_MAX 32
#define AIP_CLOCK_SKEW_SECONDS 30
#define AIP_BUDGET_INTEGER_DIGITS_MAX 10 /* 10^10 USD in micro-USD fits 64 bits 1,000 times */

/* JSON. Documents of ours are small; messages are bounded by configuration and by depth. */
#define AIP_JSON_DEPTH_TOKEN 16
#define AIP_JSON_DEPTH_MAX 128
#define AIP_JSON_NAME_BYTES_MAX 1024
#define AIP_JSON_NODES_TOKEN 512     /* scan nodes of one payload: fixed, on the stack */
#define AIP_JSON_NODES_MAX 1048576   /* of one message; 48 bytes each */
#define AIP_DOCUMENT_BYTES_MAX 65536 /* DID documents, key logs, key files */

/* Files of an operator, in YAML or JSON: a policy of a thousand rules is about 200 KiB. */
#define AIP_CONFIG_BYTES_MAX (1u << 20)
#define AIP_CONFIG_DEPTH_MAX 32
#define AIP_CONFIG_NODES_MAX 65536

/* Identities (spec/identity.md). A log of 256 rotations is one a week for five years and fits 64 KiB when kept short.
 */
#define AIP_LOG_ENTRIES_MAX 256
#define AIP_LOG_NODES_MAX 512            /* scan nodes of one entry: eight members, up to 255 compromised keys */
#define AIP_IDENTITY_KEYS_MAX 256        /* of one identifier */
#define AIP_FRAGMENT_BYTES_MAX 127       /* of a key's DID URL; longer ones are refused */
#define AIP_LOG_CONFLICTS_MAX 16         /* logs kept as evidence, of one identifier; the first stay */
#define AIP_SHOWN_KEYS_MAX 4096          /* remembered of one name on DNS: a new key a day for eleven years */
#define AIP_DID_SOURCES_MAX 8            /* hosts asked for key logs: each costs a fetch */
#define AIP_FETCH_MILLISECONDS 2000      /* one document … */
#define AIP_RESOLVE_MILLISECONDS 5000    /* … and all that one resolution needs */
#define AIP_FETCH_PARALLEL_MAX 8         /* so a slow host holds up few others */
#define AIP_FETCH_PER_HOST_PER_MINUTE 60 /* nobody is hammered through us */
#define AIP_FETCH_WAITING_MAX 256        /* resolutions under way; beyond, fetch.busy */
#define AIP_FRESH_SECONDS_MAX 300        /* an answer is asked for again after this, whatever its max-age says */
#define AIP_NEGATIVE_SECONDS 30          /* a failure is remembered so long, per identifier */
#define AIP_HANDSHAKE_SECONDS_MAX 300

/* Proofs (spec/proof.md). A request travels within a minute; clocks may differ by AIP_CLOCK_SKEW_SECONDS. */
#define AIP_PROOF_SECONDS 60
#define AIP_NONCE_BYTES_MIN 16 /* characters; 96 bits in base64 */
#define AIP_NONCE_BYTES_MAX 64
#define AIP_NONCES_DEFAULT (1u << 20) /* remembered at once: 8,700 requests a second; 56 MiB when full */

/* Revocations. Statements that no chain has shown to count, of one source: to keep them is a service to strangers. */
#define AIP_REVOCATIONS_UNJUDGED_MAX 1000
#define AIP_REVOCATION_SOURCES_MAX 16   /* lists of others that a gateway reads */
#define AIP_REVOCATION_STALENESS_MIN 10 /* seconds; each is asked three times in it */

/* Protected paths. Of one message: a call names a handful of paths, a file that it carries some thousands of words. */
#define AIP_PATH_QUESTIONS_MAX 16384  /* asked of the file system; each takes about a microsecond */
#define AIP_PATH_WORK_MAX (96u << 20) /* about nanoseconds: a shard is held up no longer by it */
#define AIP_PATH_ACCOUNT_QUESTIONS 128 /* what the home of another account counts: the system reads a file for it */

/* Data-loss prevention (spec/dlp.md). */
#define AIP_DLP_NAME_BYTES_MAX 64
#define AIP_DLP_CANARY_BYTES_MIN 8            /* shorter ones are found by chance */
#define AIP_DLP_FINDINGS_MAX 4096             /* of one text: then it goes nowhere */
#define AIP_DLP_LAYERS_MAX 4                  /* encodings around one another */
#define AIP_DLP_INFLATED_BYTES_MAX (1u << 20) /* of one compressed piece */
#define AIP_DLP_DECODED_BYTES_MIN (4u << 20)  /* decoded for one text: so much, … */
#define AIP_DLP_DECODED_TIMES 8               /* … and so many times its size */
#define AIP_DLP_OWN_REACH 4096                /* a policy's pattern is followed so far across pieces of a stream */
#define AIP_DLP_STREAM_BYTES_MAX 65536        /* held back of one stream */

/* Multibase: base58 decoding is quadratic. 48 characters hold a key; registry vectors stay below 256. */
#define AIP_BASE58_CHARACTERS_MAX 2048

/* Gateway defaults, each a configuration key. */
#define AIP_BODY_BYTES_DEFAULT (4u << 20)
#define AIP_REFUSED_BODY_BYTES_MAX 65536         /* of a refused request, read only to answer with its id */
#define AIP_DISCARDED_BODY_BYTES_MAX (16u << 20) /* and thrown away, so that the caller can read the answer */
#define AIP_EVENT_BYTES_DEFAULT (4u << 20)
#define AIP_CONNECTIONS_DEFAULT 4096
#define AIP_HEADER_FIELDS_MAX 64       /* of one request; browsers send about 20 */
#define AIP_STREAM_BUFFER_BYTES 262144 /* judged and not yet read by a slow client, before its upstream is paused */
#define AIP_SESSION_BYTES_MAX 512      /* an upstream's session id; sealed and encoded it stays below 1 KiB */
#define AIP_TOOL_BYTES_MAX 256         /* a tool or prompt name; longer ones match no scope entry */
#define AIP_URI_BYTES_MAX 2048         /* a resource's address */
#define AIP_SUBSCRIPTIONS_MAX 4096     /* addresses of one subscription, each of which is judged */
#define AIP_REQUEST_ID_BYTES_MAX 256   /* echoed in refusals */
#define AIP_TRUST_ROOTS_MAX 256

/* Servers behind a pipe, which the gateway starts itself. */
#define AIP_CHILDREN_MAX 256                     /* at once: each is a program of 50 MiB or more */
#define AIP_CHILD_ORDER_BYTES_MAX 131072         /* its arguments and environment: one message of a local socket */
#define AIP_CHILD_WORDS_MAX 1024                 /* arguments and variables together */
#define AIP_CHILD_QUEUE_BYTES_DEFAULT (8u << 20) /* not yet read by it; two of the largest messages */
#define AIP_CHILD_STDERR_BYTES 512               /* of one line for the log; the rest is left out */
#define AIP_CHILD_STDERR_PER_SECOND 50           /* lines for the log, after a burst of … */
#define AIP_CHILD_STDERR_BURST 200
#define AIP_CHILD_STOP_MILLISECONDS 2000  /* for each: after its input is closed, and after SIGTERM */
#define AIP_CHILD_START_MILLISECONDS 5000 /* a start takes one; then what starts it hangs */
#define AIP_CHILD_HEALTHY_SECONDS 60      /* alive so long, a child begins anew with the shortest pause */
#define AIP_CHILD_PAUSE_SECONDS_MAX 60    /* before a restart: 1, 2, 4 … */
#define AIP_CHILD_RESTARTS_MAX 10         /* within … */
#define AIP_CHILD_WINDOW_SECONDS 600

/* A2A (spec/a2a.md) and plain HTTP APIs. */
#define AIP_A2A_ID_BYTES_MAX 256      /* of a task, context, push configuration or tenant: UUIDs have 36 */
#define AIP_A2A_REFERENCES_MAX 32     /* other tasks that one message names: each is looked up */
#define AIP_A2A_EXTENSIONS_MAX 16     /* named by one request */
#define AIP_A2A_CARD_BYTES_MAX 262144 /* an agent card; those of real agents have 2 to 20 KiB */
#define AIP_A2A_CARD_NODES_MAX 16384  /* scan nodes of it */
#define AIP_A2A_CARD_DEPTH_MAX 24     /* skills and schemes need 8; the rest is for parameters of extensions */
#define AIP_TASK_ID_BYTES_MAX 256     /* of an MCP task: UUIDs have 36 */
#define AIP_TASKS_NAMED_MAX 256       /* of one message that listens to them: each is looked up */
#define AIP_TASK_OWNERS_MAX 65536     /* tasks and contexts of all: 24 MiB of memory when full, 12 of database */
#define AIP_TASK_OWNERS_SHARE 8       /* an owner may have this part of them: a few busy agents crowd out no other */
#define AIP_TASK_SECONDS (7 * 86400)  /* an owner is known so long after the last use: long tasks run for days */
#define AIP_PATH_BYTES_MAX 2048       /* of a request's target, decoded */
#define AIP_PATH_SEGMENTS_MAX 64
#define AIP_FORM_PARAMETERS_MAX 1000 /* of a web form: servers ignore what comes after so many */

/* Clients that share one server behind a pipe. */
#define AIP_MULTIPLEX_CLIENTS_MAX 4096
#define AIP_MULTIPLEX_REQUESTS_MAX 8192       /* open at once, of all: a server of one pipe answers few at a time … */
#define AIP_MULTIPLEX_CLIENT_REQUESTS_MAX 256 /* … and nobody takes them all */
#define AIP_MULTIPLEX_ASKED_MAX 256           /* the server's own requests that wait for a client's answer */

#endif
