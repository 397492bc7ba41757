/* threepc/abi.h: the boundary between the threepc host and its plugins.
 *
 * Plain C11. A plugin is a shared library that exports one constant object, `tpc_entry_v1` (see
 * tpc_entry); the host reads it, checks it, and only then calls a function of the plugin. C++ authors
 * include threepc/sdk.hpp, which writes everything below for them.
 *
 * Rules that hold for every function:
 *  - The caller owns every buffer. Nothing allocated on one side is freed on the other.
 *  - A function returns a status. On anything but TPC_OK it fills `error->text`, out-parameters keep
 *    unspecified but valid contents, and the instance stays usable and destroyable.
 *  - No exception, no C++ type and no allocator crosses. An exception that does is reported as the
 *    plugin's misbehaviour.
 *  - Every struct starts with `struct_size`, as its writer knows it, and only ever grows at the end.
 *    Arrays that cross are arrays of pointers, so that their elements may grow too.
 *  - A plugin never writes to stdout or stderr (it has tpc_host.log); a call leaves rounding and flush-to-zero as they
 * were.
 *
 * Thread rules, named at each function:
 *  [instance]  one thread at a time for one instance, any thread; different instances run in parallel.
 *  [any]       any thread, also while another call on the same instance is in progress.
 */
#ifndef THREEPC_ABI_H
#define THREEPC_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPC_ABI_MAGIC UINT32_C(0x43503354) /* the bytes "T3PC", little-endian */
#define TPC_ABI_MAJOR 1                    /* differs: refused */
#define TPC_ABI_MINOR 7                    /* grows with every compatible addition */
#define TPC_ENTRY_SYMBOL "tpc_entry_v1"

/* ---- status, errors, values ------------------------------------------------------------------ */

typedef int32_t tpc_status;
enum {
  TPC_OK = 0,
  TPC_INVALID_ARGUMENT = 1, /* a parameter is wrong for this run; error->key may name it */
  TPC_UNSUPPORTED = 2,      /* this plugin cannot do that, and says so */
  TPC_CORRUPT = 3,          /* input bytes (a payload, a frame, a data file) are malformed */
  TPC_IO = 4,               /* the operating system refused: file, socket, address */
  TPC_TIMEOUT = 5,          /* the deadline passed */
  TPC_CLOSED = 6,           /* the peer is gone, or the call was cancelled */
  TPC_NO_MEMORY = 7,
  TPC_INTERNAL = 8 /* a defect of the plugin itself */
};

/* Where a failing call explains itself: what was expected, what was seen, what to do. The host adds
 * the file and line of the configuration, the plugin's id and its path. Owned by the caller. */
typedef struct tpc_error {
  uint32_t struct_size;
  char key[60];    /* the parameter at fault, "" when none is; zero-terminated */
  char text[1472]; /* zero-terminated UTF-8, no final newline */
} tpc_error;

typedef uint32_t tpc_dtype;
enum { TPC_F32 = 1, TPC_F64 = 2 }; /* bits, so that a set of them is a mask */

typedef uint32_t tpc_type;
enum {
  TPC_BOOL = 1,
  TPC_INTEGER = 2, /* int64; apart from TPC_REAL, because a double loses integers past 2^53 */
  TPC_REAL = 3,
  TPC_STRING = 4,
  TPC_PATH = 5, /* a file; the host resolves it and hands over an absolute path that exists */
  TPC_REALS = 6 /* (since minor version 4) a list of one or more finite reals, each within the parameter's bounds; it
                 * has no default */
};

/* The value of a parameter. `is_set` is 0 for an optional parameter that the user left out. */
typedef struct tpc_value {
  uint32_t struct_size;
  uint32_t is_set;
  tpc_type type;
  uint32_t count;  /* TPC_REALS: how many */
  int64_t integer; /* TPC_INTEGER, and TPC_BOOL as 0 or 1 */
  double real;
  union {                /* valid during create only */
    const char* string;  /* TPC_STRING, TPC_PATH */
    const double* reals; /* TPC_REALS */
  };
} tpc_value;

enum {
  TPC_PARAM_REQUIRED = 1,
  TPC_PARAM_HAS_DEFAULT = 2, /* neither of the two: optional, without a default */
  TPC_PARAM_OPEN_MINIMUM = 4 /* the minimum itself is excluded */
};

typedef struct tpc_param {
  uint32_t struct_size;
  tpc_type type;
  uint32_t flags;
  uint32_t choice_count;      /* 0: any value */
  const char* key;            /* lower-case letters, digits and '_' */
  const char* doc;            /* one sentence */
  const char* unit;           /* "" for a pure number */
  const char* const* choices; /* of a TPC_STRING */
  tpc_value preset;           /* the default, when TPC_PARAM_HAS_DEFAULT */
  double minimum, maximum;    /* bounds of a number, or of each in a list, inclusive; -inf and +inf for none */
} tpc_param;

/* ---- descriptors ----------------------------------------------------------------------------- */

typedef uint32_t tpc_kind;
enum { TPC_COMPRESSOR = 1, TPC_MECHANISM = 2, TPC_OPTIMIZER = 3, TPC_PROBLEM = 4, TPC_TRANSPORT = 5 };

/* What a child slot accepts of a compressor. */
typedef uint32_t tpc_accepts;
enum {
  TPC_ANY = 0,
  TPC_CONTRACTIVE = 1, /* E||C(v) - v||^2 <= (1 - alpha) ||v||^2 */
  TPC_UNBIASED = 2     /* E Q(v) = v,  E||Q(v) - v||^2 <= omega ||v||^2 */
};

enum {
  /* The user nests one or more: [[mechanism.level]]. Only the last slot of a plugin may say so; its children
   * count from its own index on, and tpc_setup.child_count tells how many there are. */
  TPC_SLOT_REPEATED = 1
};

/* A place where the user nests another plugin: [mechanism.compressor]. A mechanism takes compressors and
 * mechanisms, a compressor takes compressors. */
typedef struct tpc_slot {
  uint32_t struct_size;
  tpc_kind kind;       /* TPC_COMPRESSOR or TPC_MECHANISM */
  tpc_accepts accepts; /* of a compressor */
  uint32_t flags;
  const char* key;
  const char* doc;
} tpc_slot;

enum {
  /* A mechanism's resets happen in the same round on every worker (a coin that all share), so the
   * server's aggregate starts from zero in that round and no g_i is stored. */
  TPC_RESETS_TOGETHER = 1 << 0,
  /* A worker may reset alone; the server then keeps every g_i (n * d values). */
  TPC_RESETS_ALONE = 1 << 1,
  /* A transport whose members share one process: the host runs the workers as threads. */
  TPC_IN_PROCESS = 1 << 2,
  /* A and B of this mechanism bound the aggregate, E||g - grad f||^2, and not each worker's h. */
  TPC_BOUNDS_AGGREGATE = 1 << 3,
  /* A compressor whose payload begins with tpc_constants.values values of the run's dtype, on which the rest
   * of the payload does not depend: another compressor can then be applied to these values alone. */
  TPC_VALUES_FIRST = 1 << 4,
  /* A transport whose open server takes a worker in again after it was lost; see tpc_transport.receive. */
  TPC_REJOINS = 1 << 5,
  /* An optimizer whose step is x <- x - stepsize * g and nothing else: what the theory behind stepsize = "theory"
   * speaks of. Without it, "theory" is refused. */
  TPC_GRADIENT_STEP = 1 << 6,
  /* An optimizer that makes the same bits of the same bits on every machine: it works coordinate by coordinate with
   * +, -, *, / and sqrt alone, in double or the run's dtype, and draws nothing at random. Workers then make the
   * server's steps themselves, and what changed of g is all that is sent down. Without it, x is. */
  TPC_REPLAYABLE = 1 << 7
};

typedef struct tpc_descriptor {
  uint32_t struct_size;
  tpc_kind kind;
  const char* id;      /* lower-case letters, digits, '+', '-' and '_'; unique within its kind */
  const char* version; /* of the plugin, "1.2.0" */
  const char* summary; /* one sentence for `threepc plugins list` */
  const char* paper;   /* what it implements: author, title, year, identifier; "" for none */
  const tpc_param* const* params;
  const tpc_slot* const* slots;
  uint32_t param_count;
  uint32_t slot_count;
  tpc_dtype dtypes;       /* mask */
  uint32_t capabilities;  /* mask */
  uint32_t state_vectors; /* vectors of dim values that the host allocates as zeros for each instance */
  uint32_t reserved;      /* (mechanism, optimizer, encoding compressor), and hands over in every call */
  const void* table;      /* tpc_compressor, tpc_mechanism ... as `kind` says */
  const char* theory;     /* its constants as a formula for people, "alpha = K/d"; "" for none */
} tpc_descriptor;

/* The exported object: `const tpc_entry tpc_entry_v1`. It is data, so the host can refuse a library
 * before any of its functions runs. */
typedef struct tpc_entry {
  uint32_t magic;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t struct_size;
  uint32_t descriptor_count;
  const tpc_descriptor* const* descriptors;
} tpc_entry;

/* ---- what the host gives --------------------------------------------------------------------- */

#define TPC_SERVER UINT32_MAX /* in place of a worker's number */

typedef struct tpc_context tpc_context;

typedef uint32_t tpc_log_level;
enum { TPC_LOG_DEBUG = 0, TPC_LOG_INFO = 1, TPC_LOG_WARNING = 2, TPC_LOG_ERROR = 3 };

typedef uint32_t tpc_scope;
enum {
  TPC_SHARED = 0, /* the same numbers for every worker in this round: a common coin */
  TPC_PRIVATE = 1 /* numbers of context->worker's own */
};

/* Services of the host; valid as long as the process. */
typedef struct tpc_host {
  uint32_t struct_size;
  tpc_log_level log_threshold; /* below it, `log` does nothing */
  /* [any] `text` is one line, zero-terminated. */
  void (*log)(tpc_log_level level, const char* source, const char* text);
  /* [any] Fills words[0..count) with the random stream that (seed, scope, worker, round, stream) of
   * `context` names, starting at 32-bit word number `first`: Philox4x32-10 in counter mode (Salmon et
   * al. 2011), so a decoder regenerates what the encoder drew. `first` is a multiple of 4. */
  void (*random)(const tpc_context* context, tpc_scope scope, uint64_t first, uint32_t* words, size_t count);
  /* [any] Nanoseconds of a clock that never goes back; deadlines are times of this clock. */
  int64_t (*now)(void);
  /* [any] What threepc/draft describes, by its name there; NULL: this host has no such thing. */
  const void* (*extension)(const char* name);
} tpc_host;

/* A matrix inside the vector: rows * columns consecutive values, row by row. */
typedef struct tpc_block {
  uint32_t struct_size;
  uint32_t rows;
  uint32_t columns; /* 1 for a part that is a plain vector */
  uint32_t reserved;
} tpc_block;

typedef struct tpc_child tpc_child;

/* What an instance is made for. Valid during create. */
typedef struct tpc_setup {
  uint32_t struct_size;
  tpc_dtype dtype;
  uint32_t dim;                   /* d >= 0, below 2^32 - 1; 0 for a problem or transport, which do not get it */
  uint32_t workers;               /* n >= 1 */
  uint32_t worker;                /* 0 .. n-1, or TPC_SERVER */
  uint32_t stream;                /* numbers the instances of a run; part of every random stream */
  uint64_t seed;                  /* of the run */
  const tpc_value* const* values; /* one per descriptor->params, in that order, checked by the host */
  uint32_t value_count;
  uint32_t child_count;             /* children in all slots, more than slots where one is repeated */
  const tpc_child* const* children; /* of a compressor: what is nested in it, valid as long as the instance */
  const tpc_block* const* blocks;   /* how the problem's vector is made up of matrices, in order; they cover dim */
  uint32_t block_count;             /* 0 for a problem or transport */
  uint32_t reserved2;
} tpc_setup;

/* Which call of which round this is. Valid during the call. */
struct tpc_context {
  uint32_t struct_size;
  uint32_t worker;  /* whose message, gradient or step this is: 0 .. n-1, or TPC_SERVER */
  uint32_t workers; /* n */
  uint32_t stream;  /* of the instance, as in tpc_setup */
  uint64_t seed;
  uint64_t round;  /* 0 for x^0 */
  double stepsize; /* gamma; NaN where it is not known yet */
  /* In tpc_compressor.encode: the descriptor's state_vectors of this worker, zeros before the first call.
   * NULL in accumulate: what a decoder needs is in the payload. */
  void* const* state;
};

/* Theory constants of an instance; NaN means: has none. */
typedef struct tpc_constants {
  uint32_t struct_size;
  uint32_t reserved;
  double alpha; /* contractive compressor, in [0, 1]; 0: it never increases the error, and more is not known */
  double omega; /* unbiased compressor, >= 0 */
  double A, B;  /* mechanism: E||C_{h,y}(x) - x||^2 <= (1-A)||h-y||^2 + B||x-y||^2; 0 < A <= 1, B >= 0 */
  /* Unbiased compressors of n workers together: E||(1/n) sum_i Q_i(a_i) - a||^2 <= joint_A (1/n) sum_i ||a_i||^2
   * - joint_B ||a||^2, a the mean of the a_i. NaN: the workers are independent, joint_A = omega/n and joint_B = 0. */
  double joint_A, joint_B;
  /* Mechanism: the part of B that multiplies the Hessian variance L+-^2 in place of L+^2, 0 <= B_spread <= B.
   * The step size is 1 / (L_minus + sqrt(((B - B_spread) L_plus^2 + B_spread L+-^2) / A)). NaN: 0. */
  double B_spread;
  /* Mechanism: what remains of a lent operation in later rounds, in [0, 1]; rounded to f32. See tpc_program.lend. */
  double keep;
  /* Compressor: real values that every payload carries; NaN where it varies. */
  double values;
} tpc_constants;

/* ---- compressor ------------------------------------------------------------------------------ */

typedef struct tpc_buffer {
  uint8_t* data;
  size_t capacity;
  size_t size; /* bytes written, set by the callee */
} tpc_buffer;

/* A vector that grows by exact additions: its value is sum[i] + error[i], sum[i] being that value
 * rounded and error[i] what rounding left over (Knuth's two-sum). Without the second vector, a g
 * that is only ever added to drifts away from the mean of the g_i by one rounding error a round. */
typedef struct tpc_sum {
  uint32_t struct_size;
  tpc_dtype dtype; /* of both vectors */
  uint32_t dim;
  uint32_t reserved;
  void* sum;
  void* error;  /* NULL: plain rounding additions */
  double scale; /* what a decoded value is multiplied by; 1 keeps additions exact */
} tpc_sum;

/* A compressor nested in another, as its parent sees it. The host checks every call as it checks its own and
 * blames the child for what the child does; a status other than TPC_OK must be returned unchanged. */
struct tpc_child {
  uint32_t struct_size;
  uint32_t capabilities; /* of its descriptor */
  void* host_data;
  /* During the parent's create, once and before the others: makes the child for vectors of dim values, its
   * parent's dim or another; blocks reach it only if dim is the parent's. */
  tpc_status (*open)(const tpc_child* child, uint32_t dim);
  /* [instance], of the parent, for these three; see tpc_compressor. context is the one that the parent got. */
  tpc_status (*constants)(const tpc_child* child, tpc_constants* out);
  tpc_status (*encode)(const tpc_child* child, const tpc_context* context, const void* a, const void* b,
                       tpc_buffer* out);
  tpc_status (*accumulate)(const tpc_child* child, const tpc_context* context, const uint8_t* payload, size_t size,
                           const tpc_sum* out, uint64_t* values);
  uint64_t (*max_payload)(const tpc_child* child);
};

/* A compressor is a function of (input, round seed), and of its declared state where it has some: no other state
 * that outlives a call, no clock, no other source of randomness than tpc_host.random. Encoder and decoder are
 * different instances, on different machines, with equal parameters; the decoder has no state. */
typedef struct tpc_compressor {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] *self is set on TPC_OK only. Checks that need dim (k <= d) belong here. */
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error);
  /* [instance] Never fails. */
  void (*destroy)(void* self);
  /* [instance] alpha and/or omega, for this dim and number of workers. */
  tpc_status (*constants)(void* self, tpc_constants* out, tpc_error* error);
  /* [instance] The largest payload that encode ever writes, in bytes. */
  uint64_t (*max_payload)(void* self);
  /* [instance] Writes the payload of C(a - b) into `out`; b may be NULL (zero). a and b hold dim
   * values. out->capacity is at least max_payload. */
  tpc_status (*encode)(void* self, const tpc_context* context, const void* a, const void* b, tpc_buffer* out,
                       tpc_error* error);
  /* [instance] out += scale * decode(payload). The bytes are hostile: a malformed payload is
   * TPC_CORRUPT, never a crash. *values is the number of real values that the payload carries: the
   * papers' "floats", without indices. `out` is unspecified after a failure. */
  tpc_status (*accumulate)(void* self, const tpc_context* context, const uint8_t* payload, size_t size,
                           const tpc_sum* out, uint64_t* values, tpc_error* error);
} tpc_compressor;

/* ---- mechanism ------------------------------------------------------------------------------- */

#define TPC_DENSE UINT32_MAX /* in place of a slot: the vector itself, dim values, no compressor */

/* Builds this round's message; the host encodes, counts, and applies every operation to h at once by
 * decoding the bytes it is about to send. Doing nothing is the message "skip"; more than four of the longest
 * payloads of each slot of the run's mechanisms and of TPC_DENSE, all together, is misbehaviour. Functions return
 * TPC_OK or a status that the mechanism must return unchanged. Valid during one propose. */
typedef struct tpc_program {
  uint32_t struct_size;
  uint32_t reserved;
  void* host_data;
  /* h <- h + C_slot(a - b); b may be NULL. */
  tpc_status (*add)(struct tpc_program* program, uint32_t slot, const void* a, const void* b);
  /* h <- C_slot(a - b); b may be NULL. Needs TPC_RESETS_TOGETHER or TPC_RESETS_ALONE. */
  tpc_status (*reset)(struct tpc_program* program, uint32_t slot, const void* a, const void* b);
  /* Runs the mechanism in `slot` on the same y and x and the present h. */
  tpc_status (*run)(struct tpc_program* program, uint32_t slot);
  /* out <- C_slot(a - b), dim values; nothing is sent and h does not move. Draws the same random
   * numbers as an add to the same slot would. */
  tpc_status (*preview)(struct tpc_program* program, uint32_t slot, const void* a, const void* b, void* out);
  /* h <- h + C_slot(a - b) for this round only: before the next round's propose, worker and server take back all
   * of it but the share tpc_constants.keep of the run's mechanism. So h can be a shift s that is learned more
   * slowly than g_i = s + m is used (DIANA). A reset in the same program cancels the loan. */
  tpc_status (*lend)(struct tpc_program* program, uint32_t slot, const void* a, const void* b);
} tpc_program;

/* The three points, all gradients (dim values of the run's dtype). h is live: it moves with every
 * operation of the program. */
typedef struct tpc_points {
  uint32_t struct_size;
  uint32_t dim;
  const void* h;      /* g_i^t, what the server assumes of this worker */
  const void* y;      /* grad f_i(x^t) */
  const void* x;      /* grad f_i(x^{t+1}) */
  void* const* state; /* descriptor->state_vectors vectors, kept by the host between rounds */
} tpc_points;

/* A three point compressor C_{h,y}(x), the worker's side only: the server replays the message. */
typedef struct tpc_mechanism {
  uint32_t struct_size;
  uint32_t reserved;
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error); /* [any] */
  void (*destroy)(void* self);                                                                       /* [instance] */
  /* [instance] A and B from those of the children, one per slot, in the descriptor's order. NaN for
   * both when no theory is known; stepsize = "theory" is then refused. */
  tpc_status (*constants)(void* self, const tpc_constants* const* children, tpc_constants* out, tpc_error* error);
  /* [instance] */
  tpc_status (*propose)(void* self, const tpc_context* context, const tpc_points* points, tpc_program* program,
                        tpc_error* error);
} tpc_mechanism;

/* ---- optimizer ------------------------------------------------------------------------------- */

typedef struct tpc_optimizer {
  uint32_t struct_size;
  uint32_t reserved;
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error); /* [any] */
  void (*destroy)(void* self);                                                                       /* [instance] */
  /* [instance] x^{t+1} from x^t and g^t, in place, with context->stepsize. */
  tpc_status (*step)(void* self, const tpc_context* context, const void* g, void* x, void* const* state,
                     tpc_error* error);
  /* [any] (optional, since minor version 7) What threepc/draft describes, by its name there; NULL: has no such thing.
   */
  const void* (*extension)(const char* name);
} tpc_optimizer;

/* ---- problem --------------------------------------------------------------------------------- */

/* What worker i tells about its f_i. NaN: unknown. */
typedef struct tpc_problem_facts {
  uint32_t struct_size;
  uint32_t dim;
  uint64_t rows;         /* of this worker's shard; 0 where there is no data */
  double L_i;            /* smoothness of f_i; NaN: the host computes it from `curvature` */
  double L_minus;        /* smoothness of f, the same on every worker; NaN: likewise */
  double hessian_spread; /* L+-, the Hessian variance, where a closed form exists */
  /* The matrices that the vector is made of, in order; together they cover dim. None: one vector. Valid as long
   * as the instance, the same on every worker. */
  const tpc_block* const* blocks;
  uint32_t block_count;
  uint32_t own_data; /* 1: the data set is this worker's own, and may differ from those of others */
  /* Names the whole data set as it was read, before it is split into shards: equal on two workers if they read the same
   * rows and labels in the same order, and different if anything of that differs. 0: there is no data. */
  uint64_t data_digest;
} tpc_problem_facts;

typedef struct tpc_problem {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] Reads this worker's shard. A malformed file is TPC_CORRUPT, with "FILE:LINE: what". */
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error);
  void (*destroy)(void* self);                                               /* [instance] */
  tpc_status (*facts)(void* self, tpc_problem_facts* out, tpc_error* error); /* [instance] */
  tpc_status (*start)(void* self, void* x0, tpc_error* error); /* [instance] x^0, the same on every worker */
  /* [instance] f_i(x) and its gradient; either may be NULL when it is not wanted. */
  tpc_status (*evaluate)(void* self, const tpc_context* context, const void* x, double* value, void* gradient,
                         tpc_error* error);
  /* [instance] (optional) out <- H_i v, dim doubles whatever the dtype, where H_i is symmetric, positive
   * semidefinite, ||H_i|| = L_i and ||mean H_i|| = L_minus. The host runs Lanczos on it; without it and
   * without L_i in facts, stepsize = "theory" is refused. */
  tpc_status (*curvature)(void* self, const double* v, double* out, tpc_error* error);
  /* [instance] (optional) The gradient of f_i as if it had only the given rows, each a number below facts.rows and
   * weighted by how often it appears, the regularizer included; count >= 1. With uniformly drawn rows it is an
   * unbiased estimate of grad f_i. Without it, [workers] batch is refused. */
  tpc_status (*evaluate_rows)(void* self, const tpc_context* context, const void* x, const uint64_t* rows, size_t count,
                              void* gradient, tpc_error* error);
  /* [any] (optional, since minor version 7) What threepc/draft describes, by its name there; NULL: has no such thing.
   */
  const void* (*extension)(const char* name);
} tpc_problem;

/* ---- transport ------------------------------------------------------------------------------- */

/* Members of a run: 0 is the server, i + 1 is worker i. */
typedef struct tpc_message {
  uint32_t struct_size;
  uint32_t type;  /* opaque to the transport */
  uint64_t round; /* opaque to the transport */
  const uint8_t* data;
  uint64_t size;
} tpc_message;

/* Cumulative since open, of this member. payload: bytes of tpc_message.data; wire: everything that
 * crossed the network, frames and control included (0 in process). */
typedef struct tpc_traffic {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t payload_sent, payload_received;
  uint64_t wire_sent, wire_received;
} tpc_traffic;

/* Delivers messages between any two members, in order, each once, or fails. Deadlines are absolute
 * times of tpc_host.now; a call returns TPC_TIMEOUT soon after. Runs use a star today: a transport may
 * answer TPC_UNSUPPORTED between two workers. */
typedef struct tpc_transport {
  uint32_t struct_size;
  uint32_t reserved;
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error); /* [any] */
  void (*destroy)(void* self); /* [instance] closes at once what is still open */
  /* [instance] The server starts to listen (`address` is "" or where to bind); a worker notes where its
   * server is. `address` is zero-terminated. */
  tpc_status (*open)(void* self, const char* address, int64_t deadline, tpc_error* error);
  /* [instance] Server, after open: what workers pass to open, zero-terminated, at most capacity bytes. */
  tpc_status (*address)(void* self, char* text, size_t capacity, tpc_error* error);
  /* [instance] Server: returns when all n workers have joined. Worker: when the server has taken it in.
   * A time-out names who is missing. */
  tpc_status (*join)(void* self, int64_t deadline, tpc_error* error);
  /* [instance] May return before the message has left; the data is copied or sent before it returns. */
  tpc_status (*send)(void* self, uint32_t to, const tpc_message* message, int64_t deadline, tpc_error* error);
  /* [instance] (optional) To every other member; without it the host sends n times. A member that is gone or has
   * not joined is passed over without an error: receive from it tells. */
  tpc_status (*broadcast)(void* self, const tpc_message* message, int64_t deadline, tpc_error* error);
  /* [instance] The next message of `from`. out->data is valid until the next receive from the same
   * member on this instance, or close. Messages that arrived before a peer went away are delivered
   * first; then the call returns TPC_CLOSED. With TPC_REJOINS the server gets TPC_CLOSED from a lost worker until
   * that has joined again, and from then on what it sends anew; what is sent to it meanwhile is dropped. A deadline
   * that has passed takes what is there, and lets whoever waits to join do so. */
  tpc_status (*receive)(void* self, uint32_t from, tpc_message* out, int64_t deadline, tpc_error* error);
  /* [any] Makes the call in progress and all later ones return TPC_CLOSED. */
  void (*cancel)(void* self);
  tpc_status (*traffic)(void* self, tpc_traffic* out, tpc_error* error); /* [instance] */
  /* [instance] Delivers what was sent, then says goodbye. */
  tpc_status (*close)(void* self, int64_t deadline, tpc_error* error);
  /* [any] (optional) For members that something else has started, as mpirun starts processes: which member this
   * process is, and how many there are, the server included. Called before create. TPC_UNSUPPORTED: nobody has
   * started any; the text says how to. Without it the host starts the workers. */
  tpc_status (*place)(const tpc_host* host, uint32_t* member, uint32_t* members, tpc_error* error);
  /* [instance] (optional, since minor version 3) After create: from now on a message of `from` with more than `bytes`
   * bytes is refused as soon as that is known, before memory of its size is taken. The connection to that member then
   * ends, and receive from it returns TPC_CLOSED with the reason. It holds for whoever joins again under the rank. A
   * later call may raise it. Without the function a member may send whatever the transport carries. */
  tpc_status (*limit)(void* self, uint32_t from, uint64_t bytes, tpc_error* error);
} tpc_transport;

#ifdef __cplusplus
}
#endif

#endif /* THREEPC_ABI_H */
