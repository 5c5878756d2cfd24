import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.KeySpec;
import java.security.spec.NamedParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The seal: a detached JWS (RFC 7515) over the exact bytes of a message (RFC 7797, "b64": false), signed with Ed25519.
 * In HTTP: the header Xinqiao-Signature, header..signature. What is signed is ASCII(header) "." bytes.
 */
final class Seal {
    static final String HEADER = "Xinqiao-Signature";
    static final String NEXT_HEADER = "Xinqiao-Signature-Next";
    static final String JSON_TYPE = "application/json";

    private static final Set<String> MEMBERS = Set.of("alg", "kid", "b64", "crit", "cty", "iat");
    private static final int LONGEST = 4096;
    // Seconds that a seal may be old, and that the signer's clock may be ahead.
    private static final long MAX_AGE = 600;
    private static final long LEEWAY = 60;
    // A public key in X.509 is this and its 32 bytes (RFC 8410).
    private static final String X509 = "302a300506032b6570032100";

    private Seal() {}

    /** A private key and the id under which the other side has its public part. */
    record SigningKey(String kid, PrivateKey key) {}

    /** Reads a private JWK file. */
    static SigningKey readSigningKey(Path path) throws IOException, GeneralSecurityException {
        View jwk = View.of(Json.read(Files.readAllBytes(path)));
        KeySpec spec = new EdECPrivateKeySpec(NamedParameterSpec.ED25519, Base64.getUrlDecoder().decode(jwk.text("d")));
        return new SigningKey(jwk.text("kid"), KeyFactory.getInstance("Ed25519").generatePrivate(spec));
    }

    /** Reads a JWK set: the public keys by their id. Several may stand side by side while keys rotate. */
    static Map<String, PublicKey> readVerifyingKeys(Path path) throws IOException, GeneralSecurityException {
        Map<String, PublicKey> keys = new HashMap<>();
        for (View jwk : View.of(Json.read(Files.readAllBytes(path))).parts("keys")) {
            if (!jwk.says("crv", "Ed25519") || jwk.is("former")) continue;
            String encoded = X509 + HexFormat.of().formatHex(Base64.getUrlDecoder().decode(jwk.text("x")));
            KeySpec spec = new X509EncodedKeySpec(HexFormat.of().parseHex(encoded));
            keys.put(jwk.text("kid"), KeyFactory.getInstance("Ed25519").generatePublic(spec));
        }
        return keys;
    }

    /** Returns the seal of bytes as they will travel. */
    static String seal(byte[] content, SigningKey key) throws GeneralSecurityException {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("alg", "Ed25519");
        header.put("kid", key.kid());
        header.put("b64", false);
        header.put("crit", List.of("b64"));
        header.put("cty", JSON_TYPE);
        header.put("iat", Instant.now().getEpochSecond());
        String encoded = encoded(Json.write(header));
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(key.key());
        signature.update(encoded.getBytes(StandardCharsets.US_ASCII));
        signature.update((byte) '.');
        signature.update(content);
        return encoded + ".." + encoded(signature.sign());
    }

    /** Verifies a seal; while the other side changes its key it sends two, and one that is good suffices. */
    static void openEither(byte[] content, String type, String first, String next, Map<String, PublicKey> keys) {
        try {
            open(content, type, first, keys);
        } catch (Rejected error) {
            if (next == null || error.reason == Reason.SIGNATURE_EXPIRED) throw error;
            open(content, type, next, keys);
        }
    }

    private static void open(byte[] content, String type, String said, Map<String, PublicKey> keys) {
        if (said == null) throw new Rejected(Reason.SIGNATURE_MISSING, "there is no " + HEADER);
        String[] parts = said.length() <= LONGEST ? said.split("\\.", -1) : new String[0];
        if (parts.length != 3 || !parts[1].isEmpty()) throw invalid("a detached JWS has the form header..signature");
        View header = protectedHeader(parts[0]);
        PublicKey key = keys.get(header.text("kid"));
        if (key == null) throw invalid("kid is not a registered key");
        boolean isSameType = mediaType(header.text("cty")).equals(mediaType(type));
        if (!isSameType) throw invalid("it was signed as another content type");
        if (!isSigned(parts, content, key)) throw invalid("the signature is not the key's over these bytes");
        long age = Instant.now().getEpochSecond() - ((BigInteger) header.members().get("iat")).longValue();
        if (age <= MAX_AGE && age >= -LEEWAY) return;
        throw new Rejected(Reason.SIGNATURE_EXPIRED, "iat is too long ago or ahead");
    }

    private static View protectedHeader(String encoded) {
        Map<String, Object> header;
        try {
            header = Json.read(decoded(encoded));
        } catch (Rejected error) {
            throw invalid("the protected header is no JSON object in base64url");
        }
        boolean isUnencoded = Boolean.FALSE.equals(header.get("b64")) && List.of("b64").equals(header.get("crit"));
        // Never the algorithm that the header asks for: one that is agreed ("none" would let everybody in).
        if (!header.keySet().equals(MEMBERS) || !isUnencoded || !"Ed25519".equals(header.get("alg"))) {
            throw invalid("the protected header has exactly alg, kid, b64, crit, cty and iat");
        }
        boolean isTyped = header.get("kid") instanceof String && header.get("cty") instanceof String;
        boolean isTime = header.get("iat") instanceof BigInteger at && at.signum() >= 0 && at.bitLength() <= 53;
        if (!isTyped || !isTime) throw invalid("kid, cty or iat has another type");
        return new View(header);
    }

    private static boolean isSigned(String[] parts, byte[] content, PublicKey key) {
        byte[] said = decoded(parts[2]);
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initVerify(key);
            signature.update(parts[0].getBytes(StandardCharsets.US_ASCII));
            signature.update((byte) '.');
            signature.update(content);
            return signature.verify(said);
        } catch (GeneralSecurityException error) {
            // Not 64 bytes, or no point of the curve.
            return false;
        }
    }

    private static byte[] decoded(String segment) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(segment);
        } catch (IllegalArgumentException error) {
            throw invalid("a segment is not base64url");
        }
        // Padding and unused bits would give one signature several spellings.
        if (!encoded(bytes).equals(segment)) throw invalid("a segment is not canonical base64url");
        return bytes;
    }

    private static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String mediaType(String text) {
        return text.replaceAll("\\s", "").toLowerCase();
    }

    private static Rejected invalid(String said) {
        return new Rejected(Reason.SIGNATURE_INVALID, said);
    }
}
