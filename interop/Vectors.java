import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import xinqiao.v1.Message;

/** Reads the vectors with the Java that protoc makes of the standard. Argument: the folder of the vectors. */
public final class Vectors {
    public static void main(String[] arguments) throws IOException {
        System.exit(run(Path.of(arguments[0])) ? 0 : 1);
    }

    private static boolean run(Path folder) throws IOException {
        List<FieldDescriptor> types = Message.getDescriptor().getOneofs().get(0).getFields();
        int cases = 0;
        int wrong = 0;
        for (FieldDescriptor type : types) {
            String text = Files.readString(folder.resolve(type.getJsonName() + ".json"));
            for (JsonElement each : JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("cases")) {
                JsonObject vector = each.getAsJsonObject();
                String name = type.getJsonName() + ", " + vector.get("name").getAsString();
                List<String> said = disagreements(vector.get("json"), vector.get("binary"));
                said.forEach(what -> System.out.println(name + ": " + what));
                cases++;
                wrong += said.isEmpty() ? 0 : 1;
            }
        }
        System.out.printf(
                "Java: %d message types, %d cases, %d agreements, %d disagreements%n",
                types.size(), cases, cases - wrong, wrong);
        return wrong == 0;
    }

    /** The binary form is null where the typed form must refuse the message. */
    private static List<String> disagreements(JsonElement json, JsonElement binary) throws IOException {
        List<String> said = new ArrayList<>();
        try {
            Message message = typed(json);
            if (binary.isJsonNull()) return List.of("its JSON is read and should be refused");
            byte[] bytes = Base64.getDecoder().decode(binary.getAsString());
            if (!canonical(message).equals(json)) said.add("from JSON comes other JSON");
            if (!Arrays.equals(message.toByteArray(), bytes)) said.add("from JSON comes other binary");
            if (!canonical(Message.parseFrom(bytes)).equals(json)) said.add("from binary comes other JSON");
        } catch (InvalidProtocolBufferException refused) {
            if (!binary.isJsonNull()) said.add("it is refused and should be read: " + refused.getMessage());
        }
        return said;
    }

    private static Message typed(JsonElement json) throws InvalidProtocolBufferException {
        Message.Builder builder = Message.newBuilder();
        JsonFormat.parser().merge(json.toString(), builder);
        return builder.build();
    }

    private static JsonElement canonical(Message message) throws InvalidProtocolBufferException {
        return JsonParser.parseString(JsonFormat.printer().print(message));
    }
}
