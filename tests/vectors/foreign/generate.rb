# Makes rails.json and lockbox.json with the original software.
#
#     gem install activerecord lockbox
#     ruby generate.rb
#
# Nonces are random, so each run makes other values. Add a file rather than changing one.

require "digest"
require "json"
require "active_support/all"
require "active_record"
require "lockbox"

TEXTS = {
  "a token" => "CANARY-xoxb-2417093341",
  "the empty text" => "",
  "outside of ASCII" => "CANARY-größe-鍵-🔑",
  "one block" => "CANARY-89abcdefg",
  "a long text" => "CANARY-" * 150
}

# 32 bytes in hex, by which the scan of the test output finds them.
def key(n)
  ("CANARY-".b + Digest::SHA256.digest("foreign #{n}")[0, 25]).unpack1("H*")
end

def vector(name, settings, stored, plaintext)
  binary = stored.encoding == Encoding::BINARY && !stored.ascii_only?
  stored = binary ? { hex: stored.unpack1("H*") } : { text: stored.dup.force_encoding("UTF-8") }
  plain = plaintext.dup.force_encoding("UTF-8")
  plain = plain.valid_encoding? ? { text: plain } : { hex: plaintext.unpack1("H*") }
  { name: name, expect: "open", settings: settings, stored: stored, plaintext: plain }
end

def write(format, about, made_by, vectors)
  document = { about: about, format: format, original: true, made_by: made_by, vectors: vectors }
  File.write(File.join(__dir__, "#{format}.json"), JSON.pretty_generate(document) + "\n")
end

def rails
  primary = ["CANARY-zV3uEQ2Dh0wcHXqvLbIY", "CANARY-7Wq1hPu4Rk9mEXsD0aNb"]
  salt = "CANARY-xEY0dt6TZcAMg52K7O84"
  settings = { "primary_key" => primary[0], "key_derivation_salt" => salt }
  both = settings.merge("primary_key.2" => primary[1])
  configure = lambda do |digest, **more|
    ActiveRecord::Encryption.configure(
      primary_key: primary[0], deterministic_key: primary[1], key_derivation_salt: salt,
      hash_digest_class: digest, **more
    )
    ActiveRecord::Encryption.reset_default_context
  end
  encrypt = lambda { |text, **options| ActiveRecord::Encryption.encryptor.encrypt(text.dup, **options) }

  vectors = []
  { "SHA256" => OpenSSL::Digest::SHA256, "SHA1" => OpenSSL::Digest::SHA1 }.each do |name, digest|
    configure.(digest)
    of = settings.merge("hash_digest_class" => name)
    TEXTS.each { |what, text| vectors << vector("#{name}, #{what}", of, encrypt.(text), text) }
  end
  sha1 = encrypt.("CANARY-sha1")
  vectors << vector("both digests", settings.merge("hash_digest_class" => "both"), sha1, "CANARY-sha1")

  configure.(OpenSSL::Digest::SHA256)
  vectors << vector("bytes", settings, encrypt.("CANARY-\xff\x00".b), "CANARY-\xff\x00".b)
  vectors << vector("US-ASCII", settings, encrypt.("CANARY-ascii".encode("US-ASCII")), "CANARY-ascii")
  latin = vector("another encoding", settings, encrypt.("CANARY-größe".encode("ISO-8859-1")), "")
  vectors << latin.merge(expect: "error").except(:plaintext)

  rotated = ActiveRecord::Encryption::DerivedSecretKeyProvider.new(primary)
  vectors << vector("the last of two keys", both, encrypt.("CANARY-last", key_provider: rotated), "CANARY-last")
  deterministic = ActiveRecord::Encryption::DeterministicKeyProvider.new(primary[1])
  stored = encrypt.("CANARY-deterministic", key_provider: deterministic, cipher_options: { deterministic: true })
  vectors << vector("deterministic", settings.merge("primary_key" => primary[1]), stored, "CANARY-deterministic")

  configure.(OpenSSL::Digest::SHA256, store_key_references: true)
  rotated = ActiveRecord::Encryption::DerivedSecretKeyProvider.new(primary)
  vectors << vector("key references", both, encrypt.("CANARY-reference", key_provider: rotated), "CANARY-reference")
  envelope = ActiveRecord::Encryption::EnvelopeEncryptionKeyProvider.new
  stored = encrypt.("CANARY-envelope", key_provider: envelope)
  vectors << vector("envelope, key references", settings, stored, "CANARY-envelope")
  configure.(OpenSSL::Digest::SHA256, store_key_references: false)
  envelope = ActiveRecord::Encryption::EnvelopeEncryptionKeyProvider.new
  stored = encrypt.("CANARY-" * 30, key_provider: envelope)
  vectors << vector("envelope, compressed", settings, stored, "CANARY-" * 30)

  write("rails", "Messages of Active Record Encryption", "Active Record #{ActiveRecord.version}, Ruby #{RUBY_VERSION}", vectors)
end

def lockbox
  settings = { "master_key" => key(1), "table" => "users", "attribute" => "email_ciphertext" }
  attribute = lambda do |n|
    Lockbox.attribute_key(table: "users", attribute: "email_ciphertext", master_key: key(n))
  end
  box = Lockbox.new(key: attribute.(1), encode: true)
  vectors = TEXTS.map { |name, text| vector(name, settings, box.encrypt(text), text) }
  binary = Lockbox.new(key: attribute.(1)).encrypt("CANARY-binary")
  vectors << vector("binary", settings.merge("encoding" => "binary"), binary, "CANARY-binary")
  previous = settings.merge("previous_master_key" => key(2), "previous_key" => key(3))
  vectors << vector("a previous master key", previous, Lockbox.new(key: attribute.(2), encode: true).encrypt("CANARY-two"), "CANARY-two")
  vectors << vector("a previous key", previous, Lockbox.new(key: key(3), encode: true).encrypt("CANARY-three"), "CANARY-three")
  own = { "key" => key(3) }
  ["", "CANARY-", "CANARY-89abcdef", "CANARY-89abcdefg"].each do |text|
    padded = Lockbox.new(key: key(3), encode: true, padding: true).encrypt(text)
    vectors << vector("padding, #{text.bytesize} bytes", own.merge("padding" => "16"), padded, text)
  end
  bound = Lockbox.new(key: key(3), encode: true, associated_data: "tenant").encrypt("CANARY-bound")
  vectors << vector("associated data", own.merge("associated_data" => "tenant"), bound, "CANARY-bound")
  vectors << vector("an empty attribute", own.merge("empty" => "plaintext"), "", "")
  write("lockbox", "Attributes and strings of Lockbox", "Lockbox #{Lockbox::VERSION}, Ruby #{RUBY_VERSION}", vectors)
end

rails
lockbox
