# Makes cloak-ecto.json with the original software: the cipher that a vault of cloak_ecto calls.
#
#     mix new vectors && cd vectors        (with {:cloak, "~> 1.1"} in mix.exs; mix deps.get)
#     mix run ../generate.exs
#
# Nonces are random, so each run makes other values. Add a file rather than changing one.

defmodule Generate do
  @texts [
    {"a token", "CANARY-xoxb-2417093341"},
    {"the empty text", ""},
    {"outside of ASCII", "CANARY-größe-鍵-🔑"},
    {"one block", "CANARY-89abcdefg"},
    {"a long text", String.duplicate("CANARY-", 150)}
  ]

  # 32 bytes, by which the scan of the test output finds them.
  defp key(n), do: "CANARY-" <> binary_part(:crypto.hash(:sha256, "foreign #{n}"), 0, 25)

  defp stored(text, n, tag, options \\ []) do
    {:ok, stored} = Cloak.Ciphers.AES.GCM.encrypt(text, [key: key(n), tag: tag] ++ options)
    stored
  end

  # JSON without a library. Nothing here needs an escape.
  defp vector(name, settings, stored, plaintext) do
    settings = Enum.map_join(settings, ", ", fn {name, value} -> ~s("#{name}": "#{value}") end)

    """
        {
          "name": "#{name}",
          "expect": "open",
          "settings": {#{settings}},
          "stored": #{stored},
          "plaintext": {"text": "#{plaintext}"}
        }\
    """
  end

  defp hex(stored), do: ~s({"hex": "#{Base.encode16(stored, case: :lower)}"})

  def run do
    settings = [
      {"key.AES.GCM.V1", Base.encode64(key(1))},
      {"key.AES.GCM.V2", Base.encode64(key(2))}
    ]

    long = String.duplicate("tag.", 40)
    longer = String.duplicate("tag.", 80)

    vectors =
      Enum.map(@texts, fn {name, text} ->
        vector(name, settings, hex(stored(text, 1, "AES.GCM.V1")), text)
      end) ++
        [
          vector("the second key", settings, hex(stored("CANARY-second", 2, "AES.GCM.V2")), "CANARY-second"),
          vector(
            "an IV of 12 bytes",
            settings ++ [{"iv_length", "12"}],
            hex(stored("CANARY-twelve", 1, "AES.GCM.V1", iv_length: 12)),
            "CANARY-twelve"
          ),
          vector(
            "base64",
            settings ++ [{"encoding", "base64"}],
            ~s({"text": "#{Base.encode64(stored("CANARY-base64", 1, "AES.GCM.V1"))}"}),
            "CANARY-base64"
          ),
          vector("a tag of 160 bytes", [{"key.#{long}", Base.encode64(key(1))}], hex(stored("CANARY-long", 1, long)), "CANARY-long"),
          vector("a tag of 320 bytes", [{"key.#{longer}", Base.encode64(key(1))}], hex(stored("CANARY-longer", 1, longer)), "CANARY-longer")
        ]

    File.write!(Path.join(__DIR__, "cloak-ecto.json"), """
    {
      "about": "Values of Cloak.Ciphers.AES.GCM, which the vaults of cloak_ecto store",
      "format": "cloak-ecto",
      "original": true,
      "made_by": "cloak #{System.get_env("CLOAK_VERSION") || Application.spec(:cloak, :vsn)}, Elixir #{System.version()}, OTP #{System.otp_release()}",
      "vectors": [
    #{Enum.join(vectors, ",\n")}
      ]
    }
    """)
  end
end

Generate.run()
