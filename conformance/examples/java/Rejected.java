import java.util.List;
import java.util.Map;

/** A message is not taken. What it says is about form and place and never holds a value of the message. */
final class Rejected extends RuntimeException {
    private static final long serialVersionUID = 1;

    final transient Reason reason;
    final transient List<Map<String, Object>> findings;

    Rejected(Reason reason, String said) {
        this(reason, said, List.of());
    }

    Rejected(Reason reason, String said, List<Map<String, Object>> findings) {
        super(said);
        this.reason = reason;
        this.findings = findings;
    }
}
