// als.hash_fraction: a number of [0, 1) that depends on values alone.
//
// The same on every server and for ever, in whatever session: the server's own hash functions have
// no part in it, since they differ between versions and machines, and neither has the text of a
// value, which depends on settings such as TimeZone. Its wire form depends on one setting, the
// client's encoding, which is put aside.

#include "core/base/splitmix.h"
#include "pg/server/pg.h"

namespace als::pg {

namespace {

/// How the bytes to be hashed come from a value.
enum class ValueForm {
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kString,
  kPadded,
  kCString,
  kEnum,
  kSend
};

/// Keeps values of different kinds apart.
enum class Tag : std::uint64_t { kNull, kInteger, kFloat, kBytes };

struct ValueReader {
  ValueForm form;
  FmgrInfo send;  // for kSend
};

struct ValueHash {
  std::uint64_t state = 0;

  void add(std::uint64_t word) { state = splitmix((state ^ word) + kSplitmixStep); }

  void add(Tag tag, std::uint64_t value) {
    add(static_cast<std::uint64_t>(tag));
    add(value);
  }

  /// In words of eight bytes, the first byte the lowest, padded with zeros.
  void add(const char* bytes, std::size_t n) {
    add(Tag::kBytes, n);
    for (std::size_t begin = 0; begin < n; begin += 8) {
      std::uint64_t word = 0;
      for (std::size_t i = begin; i < std::min(begin + 8, n); ++i)
        word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * (i - begin);
      add(word);
    }
  }

  void add(double number) {
    if (std::isnan(number)) {
      add(Tag::kFloat, UINT64_MAX);
      return;
    }
    const double canonical = number + 0.0;  // no negative zero
    std::uint64_t bits;
    std::memcpy(&bits, &canonical, sizeof(bits));
    add(Tag::kFloat, bits);
  }
};

void init_reader(ValueReader& reader, Oid argument, MemoryContext context) {
  const Oid type = getBaseType(argument);
  switch (type) {
    case INT2OID:
      reader.form = ValueForm::kInt2;
      return;
    case INT4OID:
      reader.form = ValueForm::kInt4;
      return;
    case INT8OID:
      reader.form = ValueForm::kInt8;
      return;
    case FLOAT4OID:
      reader.form = ValueForm::kFloat4;
      return;
    case FLOAT8OID:
      reader.form = ValueForm::kFloat8;
      return;
    case NUMERICOID:
      reader.form = ValueForm::kNumeric;
      return;
    case BPCHAROID:
      reader.form = ValueForm::kPadded;
      return;
    default:
      break;
  }
  // Their wire form holds the numbers of types, which differ between servers.
  const char kind = get_typtype(type);
  const bool compound = kind != TYPTYPE_BASE && kind != TYPTYPE_ENUM && type != UNKNOWNOID;
  if (compound || OidIsValid(get_element_type(type)))
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("values of type %s cannot be hashed", format_type_be(argument)),
                    errhint("Give its parts one by one, or cast it to text.")));
  const int16 length = get_typlen(type);
  if (length == -2 || type == NAMEOID) {
    reader.form = ValueForm::kCString;
  } else if (kind == TYPTYPE_ENUM) {
    reader.form = ValueForm::kEnum;
  } else if (length == -1 && TypeCategory(type) == TYPCATEGORY_STRING) {
    reader.form = ValueForm::kString;
  } else {
    Oid send;
    bool is_varlena;
    getTypeBinaryOutputInfo(type, &send, &is_varlena);
    fmgr_info_cxt(send, &reader.send, context);
    reader.form = ValueForm::kSend;
  }
}

/// The wire form of a value for a client that uses the database's encoding. Types that hold text,
/// such as json, jsonb, xml and tsvector, send it in the encoding of the session's client, and that
/// may be another: it is the database's in parallel workers.
bytea* sent(FmgrInfo* send, Datum value) {
  const int client_encoding = pg_get_client_encoding();
  if (client_encoding == GetDatabaseEncoding()) return SendFunctionCall(send, value);
  bytea* volatile bytes = nullptr;
  SetClientEncoding(GetDatabaseEncoding());
  PG_TRY();
  { bytes = SendFunctionCall(send, value); }
  PG_FINALLY();
  { SetClientEncoding(client_encoding); }
  PG_END_TRY();
  return bytes;
}

void add_varlena(ValueHash& hash, Datum value) {
  auto* bytes = PG_DETOAST_DATUM_PACKED(value);
  hash.add(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

void add_value(ValueHash& hash, ValueReader& reader, Datum value) {
  switch (reader.form) {
    case ValueForm::kInt2:
      hash.add(Tag::kInteger, static_cast<std::uint64_t>(std::int64_t{DatumGetInt16(value)}));
      return;
    case ValueForm::kInt4:
      hash.add(Tag::kInteger, static_cast<std::uint64_t>(std::int64_t{DatumGetInt32(value)}));
      return;
    case ValueForm::kInt8:
      hash.add(Tag::kInteger, static_cast<std::uint64_t>(DatumGetInt64(value)));
      return;
    case ValueForm::kFloat4:
      hash.add(static_cast<double>(DatumGetFloat4(value)));
      return;
    case ValueForm::kFloat8:
      hash.add(DatumGetFloat8(value));
      return;
    case ValueForm::kNumeric: {
      // Without the zeros at the end, in which equal numbers may differ.
      const char* text = DatumGetCString(
          DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, value)));
      hash.add(text, std::strlen(text));
      return;
    }
    case ValueForm::kString:
      add_varlena(hash, value);
      return;
    case ValueForm::kPadded: {
      auto* bytes = PG_DETOAST_DATUM_PACKED(value);
      std::size_t size = VARSIZE_ANY_EXHDR(bytes);
      while (size > 0 && VARDATA_ANY(bytes)[size - 1] == ' ') --size;
      hash.add(VARDATA_ANY(bytes), size);
      return;
    }
    case ValueForm::kCString: {
      const char* text = DatumGetCString(value);
      hash.add(text, std::strlen(text));
      return;
    }
    case ValueForm::kEnum: {
      const char* label = DatumGetCString(DirectFunctionCall1(enum_out, value));
      hash.add(label, std::strlen(label));
      return;
    }
    case ValueForm::kSend: {
      bytea* bytes = sent(&reader.send, value);
      hash.add(VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
      return;
    }
  }
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_hash_fraction)

/// als.hash_fraction(variadic "any"): float8. A null is a value like any other.
Datum als_hash_fraction(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  auto* readers = static_cast<ValueReader*>(fcinfo->flinfo->fn_extra);
  if (readers == nullptr) {
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    readers = static_cast<ValueReader*>(MemoryContextAllocZero(
        context, sizeof(ValueReader) * static_cast<Size>(std::max<int>(PG_NARGS(), 1))));
    for (int i = 0; i < PG_NARGS(); ++i)
      init_reader(readers[i], get_fn_expr_argtype(fcinfo->flinfo, i), context);
    fcinfo->flinfo->fn_extra = readers;
  }
  ValueHash hash;
  for (int i = 0; i < PG_NARGS(); ++i) {
    if (PG_ARGISNULL(i))
      hash.add(Tag::kNull, 0);
    else
      add_value(hash, readers[i], PG_GETARG_DATUM(i));
  }
  PG_RETURN_FLOAT8(static_cast<double>(hash.state >> 11) * 0x1p-53);
}
