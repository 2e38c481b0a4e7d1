// Client CALLS: the same as client.py, with JDBC. Parameters have the type with which they are set.
import java.nio.file.*;
import java.sql.*;
import java.util.*;
import java.util.regex.*;

public class Client {
    static final Pattern MARK = Pattern.compile("\\{([^}]*)\\}");

    static Object value(String text, String of) {
        switch (of) {
            case "int": return Integer.valueOf(text);
            case "bigint": return Long.valueOf(text);
            case "float8": return Double.valueOf(text);
            case "uuid": return UUID.fromString(text);
            default: return text;
        }
    }

    static void set(PreparedStatement statement, int n, String text, String of) throws SQLException {
        boolean isArray = of.endsWith("[]");
        String element = isArray ? of.substring(0, of.length() - 2) : of;
        if (text.equals("\\N")) {
            statement.setNull(n, Types.NULL);
        } else if (isArray) {
            List<Object> elements = new ArrayList<>();
            for (String part : text.substring(1, text.length() - 1).split(","))
                if (!part.isEmpty()) elements.add(value(part, element));
            statement.setArray(n, statement.getConnection().createArrayOf(element, elements.toArray()));
        } else if (of.equals("jsonb")) {
            statement.setObject(n, text, Types.OTHER);
        } else {
            statement.setObject(n, value(text, of));
        }
    }

    public static void main(String[] args) throws Exception {
        String url = String.format("jdbc:postgresql://%s:%s/%s?user=%s", System.getenv("ALS_TCP_HOST"), System.getenv("PGPORT"),
            System.getenv("PGDATABASE"), System.getenv("PGUSER"));
        try (Connection connection = DriverManager.getConnection(url)) {
            for (String line : Files.readAllLines(Paths.get(args[0]))) {
                String[] fields = line.split("\t");
                try (PreparedStatement statement = connection.prepareStatement(MARK.matcher(fields[1]).replaceAll("?"))) {
                    Matcher marks = MARK.matcher(fields[1]);
                    for (int n = 1; marks.find(); n++) set(statement, n, fields[n + 1], marks.group(1));
                    List<String> values = new ArrayList<>();
                    String kind = "";
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next()) {
                            Object found = rows.getObject(1);
                            if (values.isEmpty()) kind = found.getClass().getSimpleName();
                            values.add(found.toString());
                        }
                    }
                    System.out.println(fields[0] + "\t" + String.join(",", values) + "\t" + kind);
                } catch (SQLException error) {
                    System.out.println(fields[0] + "\tERROR: " + error.getMessage().split("\n")[0] + "\t");
                }
            }
        }
    }
}
