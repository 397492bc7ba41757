#include "cli/certs.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace threepc::cli {
namespace {

namespace fs = std::filesystem;

/// Frees an object of OpenSSL.
template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;

/// Fails only where memory or the random numbers of the system do.
void require(bool done) {
  if (!done) throw Failure(Exit::unexpected, "OpenSSL cannot make a certificate");
}

struct Identity {
  Key key;
  Certificate certificate;
};

/// What a certificate is for.
struct Purpose {
  std::string name;  // its subject, for people
  bool is_ca;
  std::string usage;  // extended key usage, "" for none
  std::string hosts;  // subject alternative names, "" for none
};

bool is_ip(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
}

bool is_name(const std::string& host) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; };
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), allowed);
}

/// "DNS:localhost,IP:127.0.0.1,..."; this host may always be connected to under its loopback names.
std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string text = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& host : hosts) {
    if (!is_ip(host) && !is_name(host))
      throw Failure(Exit::usage, "--host " + host + ": expected a host name or an IP address, without a port");
    text += (is_ip(host) ? ",IP:" : ",DNS:") + host;
  }
  return text;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void set_serial_number(X509* certificate) {
  unsigned char bytes[16];
  require(RAND_bytes(bytes, sizeof bytes) == 1);
  bytes[0] &= 0x7F;  // positive
  const std::unique_ptr<BIGNUM, Free<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_subject(X509* certificate, const std::string& name) {
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
}

/// A new key on P-256 and its certificate, signed by `issuer`, or by itself where there is none.
Identity issue(const Purpose& purpose, const Identity* issuer, std::uint32_t days) {
  Identity made{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  require(made.key && made.certificate);
  X509* const certificate = made.certificate.get();
  X509* const signer = issuer ? issuer->certificate.get() : certificate;
  X509_set_version(certificate, X509_VERSION_3);
  set_serial_number(certificate);
  set_subject(certificate, purpose.name);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  // An hour of grace for hosts whose clocks differ.
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(days), 0, nullptr);
  X509_set_pubkey(certificate, made.key.get());
  add_extension(certificate, signer, NID_basic_constraints,
                purpose.is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  add_extension(certificate, signer, NID_key_usage,
                purpose.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  add_extension(certificate, signer, NID_authority_key_identifier, "keyid");
  if (!purpose.usage.empty()) add_extension(certificate, signer, NID_ext_key_usage, purpose.usage);
  if (!purpose.hosts.empty()) add_extension(certificate, signer, NID_subject_alt_name, purpose.hosts);
  require(X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256()) > 0);
  return made;
}

template <class Write>
std::string pem_of(Write write) {
  const Memory memory(BIO_new(BIO_s_mem()));
  require(memory != nullptr && write(memory.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// Files of one folder, none of which is there yet.
class Folder {
 public:
  explicit Folder(const std::string& folder) : folder_(folder) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (!fs::is_directory(folder_))
      throw Failure(Exit::usage, folder + ": cannot be created: " + (error ? error.message() : "it is a file"));
  }

  void refuse_existing(const std::vector<std::string>& names) const {
    for (const std::string& name : names)
      for (const char* ending : {".pem", ".key"})
        if (fs::exists(folder_ / (name + ending)))
          throw Failure(Exit::usage, (folder_ / (name + ending)).string() +
                                         " is there already and is not overwritten; name another folder");
  }

  void write(const std::string& name, const Identity& identity) const {
    X509* const certificate = identity.certificate.get();
    EVP_PKEY* const key = identity.key.get();
    write_file(name + ".key", 0600, pem_of([&](BIO* to) {
                 return PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
               }));
    write_file(name + ".pem", 0644, pem_of([&](BIO* to) { return PEM_write_bio_X509(to, certificate); }));
  }

 private:
  /// O_EXCL: also what came into being since refuse_existing is not overwritten.
  void write_file(const std::string& name, mode_t mode, const std::string& text) const {
    const std::string path = (folder_ / name).string();
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int why = errno;
    if (file >= 0) close(file);
    if (!written) throw Failure(Exit::unexpected, path + ": cannot be written: " + std::strerror(why));
  }

  fs::path folder_;
};

std::vector<std::string> worker_names(std::uint32_t workers) {
  if (workers == 0) return {"worker"};
  std::vector<std::string> names;
  for (std::uint32_t rank = 0; rank < workers; ++rank) names.push_back("worker-" + std::to_string(rank));
  return names;
}

}  // namespace

Exit make_certificates(const CertsOptions& options) {
  const std::string hosts = alternative_names(options.hosts);
  const std::vector<std::string> workers = worker_names(options.workers);
  std::vector<std::string> all = {"ca", "server"};
  all.insert(all.end(), workers.begin(), workers.end());

  const Folder folder(options.folder);
  folder.refuse_existing(all);
  const Identity ca = issue({"threepc certificate authority", true, "", ""}, nullptr, options.days);
  folder.write("ca", ca);
  // The server's also as a worker's: threepc run starts both from one configuration. A worker's never as the server's.
  folder.write("server", issue({"threepc server", false, "serverAuth,clientAuth", hosts}, &ca, options.days));
  for (const std::string& name : workers)
    folder.write(name, issue({"threepc " + name, false, "clientAuth", ""}, &ca, options.days));
  std::printf("%s: certificates for %u days of ca, server (%s) and %s\n", options.folder.c_str(), options.days,
              hosts.c_str(), workers.size() == 1 ? workers[0].c_str() : ("worker-0 to " + workers.back()).c_str());
  return Exit::done;
}

}  // namespace threepc::cli
