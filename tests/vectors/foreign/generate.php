<?php
// Makes laravel.json with the original software.
//
//     composer require illuminate/encryption     (or Debian's php-illuminate-encryption)
//     php generate.php
//
// Nonces are random, so each run makes other values. Add a file rather than changing one.

foreach ([__DIR__ . '/vendor/autoload.php', '/usr/share/php/Illuminate/Encryption/autoload.php'] as $autoload) {
    if (is_file($autoload)) {
        require $autoload;
        break;
    }
}

use Illuminate\Encryption\Encrypter;

const TEXTS = [
    'a token' => 'CANARY-xoxb-2417093341',
    'the empty text' => '',
    'outside of ASCII' => 'CANARY-größe-鍵-🔑',
    'one block' => 'CANARY-89abcdefg',
];

// 32 bytes, by which the scan of the test output finds them.
function key32(int $n): string
{
    return 'CANARY-' . substr(hash('sha256', "foreign $n", true), 0, 25);
}

function vector(string $name, array $settings, string $stored, string $plaintext): array
{
    return [
        'name' => $name,
        'expect' => 'open',
        'settings' => $settings,
        'stored' => ['text' => $stored],
        'plaintext' => ['text' => $plaintext],
    ];
}

$texts = TEXTS + ['a long text' => str_repeat('CANARY-', 150)];
$vectors = [];
foreach (['AES-256-CBC', 'AES-256-GCM'] as $cipher) {
    // Laravel 8 looks its ciphers up by their names in capitals, Laravel 9 and later in small letters.
    $settings = ['key' => 'base64:' . base64_encode(key32(1)), 'cipher' => $cipher];
    $first = new Encrypter(key32(1), $cipher);
    foreach ($texts as $name => $text) {
        $vectors[] = vector("$cipher, $name", $settings, $first->encryptString($text), $text);
    }
    $previous = $settings + ['key.previous' => 'base64:' . base64_encode(key32(2))];
    $second = new Encrypter(key32(2), $cipher);
    $vectors[] = vector("$cipher, a previous key", $previous, $second->encryptString('CANARY-previous'), 'CANARY-previous');
    $serialized = $settings + ['serialized' => 'true'];
    $vectors[] = vector("$cipher, serialized", $serialized, $first->encrypt('CANARY-größe";'), 'CANARY-größe";');
    $number = vector("$cipher, a number, serialized", $serialized, $first->encrypt(42), '');
    unset($number['plaintext']);
    $vectors[] = ['expect' => 'error'] + $number;
    $raw = new Encrypter('CANARY-a key of thirty-two chars', $cipher);
    $of = ['key' => 'CANARY-a key of thirty-two chars', 'cipher' => $cipher];
    $vectors[] = vector("$cipher, a key of characters", $of, $raw->encryptString('CANARY-raw'), 'CANARY-raw');
}

$version = trim(shell_exec("dpkg-query -W -f='\${Version}' php-illuminate-encryption 2>/dev/null") ?? '') ?: 'of composer';
$document = [
    'about' => 'Values of `encrypted` casts and of Crypt',
    'format' => 'laravel',
    'original' => true,
    'made_by' => "illuminate/encryption $version, PHP " . PHP_VERSION,
    'vectors' => $vectors,
];
$json = json_encode($document, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
file_put_contents(__DIR__ . '/laravel.json', $json . "\n");
