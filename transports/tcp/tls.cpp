#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <threepc/sdk.hpp>

#include "gated_socket.hpp"
#include "secret_file.hpp"

namespace threepc::tcp {
namespace {

using SslStream = asio::ssl::stream<GatedSocket>;
constexpr std::uint8_t tls_handshake_record = 0x16;  // the first byte of whoever speaks TLS
constexpr int first_alert = 1000;                    // OpenSSL's reason for an alert n is 1000 + n

/// Reason codes beyond what the header names: alerts that say "your certificate" (RFC 8446, 6.2).
bool is_about_certificate(int reason) {
  const int alert = reason - first_alert;
  return (alert >= 41 && alert <= 46) || alert == 48 || alert == 49 || alert == 116;
}

/// What an error of OpenSSL means, as after "the peer".
std::string explain_tls(int reason, const std::string& message) {
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "shows no certificate; set [transport] certificate and key there";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
      return "does not speak TLS; set [transport] ca, certificate and key on both sides, or on none";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "does not speak TLS 1.3";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:  // also what a server without TLS answers
      return "does not speak TLS 1.3, or no TLS at all; set [transport] ca, certificate and key on both sides, or on "
             "none";
    default:
      break;
  }
  if (is_about_certificate(reason))
    return "does not accept the certificate of this side ([transport] certificate): " + message;
  return "failed in TLS: " + message;
}

class TlsStream final : public Stream {
 public:
  TlsStream(asio::ip::tcp::socket socket, asio::ssl::context& context, WireCounters& counters,
            asio::ssl::stream_base::handshake_type role)
      : Stream(counters), socket_(std::move(socket)), context_(&context), role_(role) {}

  void wait_at(Gate& gate, Turn turn) { gate_ = &gate, turn_ = turn; }
  void expect_host(const std::string& host) { host_ = host; }
  void answer_plain_peers(std::shared_ptr<const std::vector<std::uint8_t>> answer) { answer_ = std::move(answer); }

  void greet(Greeted greeted) override {
    if (role_ == asio::ssl::stream_base::client) return shake_hands(std::move(greeted));
    socket().async_wait(asio::ip::tcp::socket::wait_read,
                        [this, greeted = std::move(greeted)](const error_code& error) {
                          if (error || speaks_tls()) return shake_hands(greeted);
                          error_code ignored;
                          counters_->sent += socket().send(asio::buffer(*answer_), 0, ignored);
                          greeted(Ending{explain_tls(SSL_R_WRONG_VERSION_NUMBER, ""), true});
                        });
  }

  void read_some(asio::mutable_buffer to, Done done) override {
    ssl_->async_read_some(to, [this, done = std::move(done)](const error_code& error, std::size_t n) {
      count();
      // TLS's own farewell is not waited for: a goodbye frame says that an end is an orderly one.
      done(error == asio::ssl::error::stream_truncated ? asio::error::eof : error, n);
    });
  }

  void write(asio::const_buffer from, Done done) override {
    asio::async_write(*ssl_, from, [this, done = std::move(done)](const error_code& error, std::size_t n) {
      count();
      done(error, n);
    });
  }

  asio::ip::tcp::socket& socket() override { return ssl_ ? ssl_->next_layer().next_layer() : socket_; }
  bool has_begun() const override { return ssl_ != nullptr; }
  bool is_secret() const override { return true; }
  void leave_gate() override { ssl_->next_layer().leave_gate(); }
  bool waits() const override { return ssl_ && ssl_->next_layer().waits(); }

  /// RFC 9266.
  std::array<std::uint8_t, 32> binding() const override {
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    std::array<std::uint8_t, 32> out{};
    if (SSL_export_keying_material(ssl_->native_handle(), out.data(), out.size(), label.data(), label.size(), nullptr,
                                   0, 0) != 1)
      throw tpc::Error(TPC_INTERNAL, "OpenSSL gives no channel binding");
    return out;
  }

  Ending explain(const error_code& error) const override {
    if (error.category() != asio::error::get_ssl_category()) return Stream::explain(error);
    return {explain_tls(ERR_GET_REASON(static_cast<unsigned long>(error.value())), error.message()), true};
  }

 private:
  bool speaks_tls() {
    std::uint8_t first = tls_handshake_record;
    error_code ignored;
    socket().receive(asio::buffer(&first, 1), asio::socket_base::message_peek, ignored);
    return first == tls_handshake_record;
  }

  /// Only now, because it takes 70 kB and time: most strangers speak no TLS.
  void begin_tls() {
    ssl_ = std::make_unique<SslStream>(GatedSocket(std::move(socket_), gate_, turn_), *context_);
    ssl_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    ssl_->set_verify_callback([this](bool good, asio::ssl::verify_context& verified) {
      if (!good && distrust_.empty()) distrust_ = why_not(verified.native_handle());
      return good;
    });
    if (!host_.empty()) verify_host();
  }

  void verify_host() {
    error_code is_name;
    asio::ip::make_address(host_, is_name);
    X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl_->native_handle());
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_name ? X509_VERIFY_PARAM_set1_host(expected, host_.c_str(), host_.size())
                            : X509_VERIFY_PARAM_set1_ip_asc(expected, host_.c_str());
    if (set != 1) throw tpc::Error(TPC_INVALID_ARGUMENT, "'" + host_ + "' cannot be the host of a certificate");
  }

  void shake_hands(Greeted greeted) {
    begin_tls();
    ssl_->async_handshake(role_, [this, greeted = std::move(greeted)](const error_code& error) {
      count();
      if (error)
        greeted(distrust_.empty() ? why_no_handshake(error) : Ending{distrust_, true});
      else
        greeted(std::nullopt);
    });
  }

  Ending why_no_handshake(const error_code& error) const {
    if (error.category() == asio::error::get_ssl_category()) return explain(error);
    return {"ended the connection in the TLS handshake (" + error.message() +
                "); is it set up with [transport] ca, certificate and key?",
            false};
  }

  std::string why_not(X509_STORE_CTX* verified) const {
    const int error = X509_STORE_CTX_get_error(verified);
    std::string text = std::string("shows a certificate that is not accepted: ") + X509_verify_cert_error_string(error);
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
      text += "; it is not for '" + host_ + "', the host connected to";
    if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
      text += "; it was not signed by [transport] ca";
    return text;
  }

  /// What OpenSSL took from and gave to the socket's side of it.
  void count() {
    SSL* const ssl = ssl_->native_handle();
    const std::uint64_t received = BIO_number_read(SSL_get_rbio(ssl)), sent = BIO_number_written(SSL_get_wbio(ssl));
    counters_->received += received - std::exchange(counted_.received, received);
    counters_->sent += sent - std::exchange(counted_.sent, sent);
  }

  asio::ip::tcp::socket socket_;  // until TLS begins
  std::unique_ptr<SslStream> ssl_;
  asio::ssl::context* context_;
  asio::ssl::stream_base::handshake_type role_;
  std::string host_, distrust_;
  Gate* gate_ = nullptr;
  Turn turn_ = Turn::first;
  std::shared_ptr<const std::vector<std::uint8_t>> answer_;
  WireCounters counted_;
};

/// Runs `use`, which reads `file`; what OpenSSL has to say about it becomes the user's message.
template <class Use>
void with_file(const char* key, const std::string& file, Use use) {
  error_code error;
  use(error);
  if (error) throw tpc::BadParameter(key, file + " cannot be used: " + error.message());
}

}  // namespace

struct Tls::Context {
  asio::ssl::context ssl{asio::ssl::context::tls};
};

Tls::Tls(const TlsFiles& files) : context_(std::make_unique<Context>()) {
  asio::ssl::context& ssl = context_->ssl;
  SSL_CTX* const native = ssl.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  require_private("key", files.key);
  // Nobody is there to type one.
  ssl.set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
  with_file("ca", files.ca, [&](error_code& error) { ssl.load_verify_file(files.ca, error); });
  with_file("certificate", files.certificate,
            [&](error_code& error) { ssl.use_certificate_chain_file(files.certificate, error); });
  with_file("key", files.key,
            [&](error_code& error) { ssl.use_private_key_file(files.key, asio::ssl::context::pem, error); });
}

Tls::~Tls() = default;

std::unique_ptr<Stream> Tls::server_stream(asio::ip::tcp::socket socket, WireCounters& counters,
                                           std::shared_ptr<const std::vector<std::uint8_t>> answer_to_plain, Gate& gate,
                                           Turn turn) const {
  auto stream = std::make_unique<TlsStream>(std::move(socket), context_->ssl, counters, asio::ssl::stream_base::server);
  stream->wait_at(gate, turn);
  stream->answer_plain_peers(std::move(answer_to_plain));
  return stream;
}

std::unique_ptr<Stream> Tls::client_stream(asio::ip::tcp::socket socket, WireCounters& counters,
                                           const std::string& host) const {
  auto stream = std::make_unique<TlsStream>(std::move(socket), context_->ssl, counters, asio::ssl::stream_base::client);
  stream->expect_host(host);
  return stream;
}

}  // namespace threepc::tcp
