import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.regex.Pattern;

/** Exact decimals, check digits, days of the calendar and texts that can be seen: what rules compute with. */
final class Numbers {
    static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

    private static final String CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    // Characters that nobody sees or that turn the text around them, and those that are blank.
    private static final String REFUSED = "\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e"
            + "\\u2060-\\u206f\\ufeff\\ufffe\\uffff";
    private static final String BLANK = " \\n\\xa0\\u115f\\u1160\\u1680\\u180e\\u2000-\\u200d\\u202f\\u205f\\u2800"
            + "\\u3000\\u3164\\uffa0";
    private static final Pattern HAS_REFUSED = Pattern.compile("[" + REFUSED + "]");
    private static final Pattern HAS_VISIBLE = Pattern.compile("[^" + REFUSED + BLANK + "]");

    private Numbers() {}

    /** Returns an amount of a message exactly, unlike floating point. */
    static BigDecimal amount(View money) {
        return new BigDecimal(money.text("value"));
    }

    /** Says whether a text is a day of the calendar: 2026-02-30 has the form, and is none. */
    static boolean isDay(String text) {
        try {
            return LocalDate.parse(text).getYear() > 0;
        } catch (DateTimeException error) {
            return false;
        }
    }

    /** Returns the 18th character of a unified social credit code (GB 32100-2015). */
    static char creditCodeCheck(String code) {
        int total = 0;
        for (int at = 0, weight = 1; at < 17; at++, weight = weight * 3 % 31) {
            total += CREDIT_ALPHABET.indexOf(code.charAt(at)) * weight;
        }
        return CREDIT_ALPHABET.charAt((31 - total % 31) % 31);
    }

    /** Returns the 18th character of a citizen's number (GB 11643-1999). */
    static char citizenCheck(String number) {
        int total = 0;
        for (int at = 0; at < 17; at++) total += (number.charAt(at) - '0') * ((1 << 17 - at) % 11);
        return "10X98765432".charAt(total % 11);
    }

    /** Returns the 12th character of an ISIN (ISO 6166: Luhn over letters as 10 to 35). */
    static char isinCheck(String isin) {
        String digits = new StringBuilder(digits(isin.substring(0, 11))).reverse().toString();
        int total = 0;
        for (int at = 0; at < digits.length(); at++) {
            int value = (digits.charAt(at) - '0') * (at % 2 == 0 ? 2 : 1);
            total += value / 10 + value % 10;
        }
        return (char) ('0' + (10 - total % 10) % 10);
    }

    /** Says whether the check digits of an LEI are right: 1 modulo 97 (ISO 17442). */
    static boolean isLei(String lei) {
        return new BigInteger(digits(lei)).mod(BigInteger.valueOf(97)).equals(BigInteger.ONE);
    }

    private static String digits(String text) {
        StringBuilder found = new StringBuilder();
        text.chars().forEach(character -> found.append(Character.digit(character, 36)));
        return found.toString();
    }

    /** Says whether a text says something and hides nothing. */
    static boolean isSeen(String text) {
        return HAS_VISIBLE.matcher(text).find() && !HAS_REFUSED.matcher(text).find();
    }
}
