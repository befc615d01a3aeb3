package rule

import (
	"errors"
	"regexp"
	"testing"
)

func TestRE11_Functions(t *testing.T) {
	gives(t, `{"attributes": {"data1": 1, "data2": 2}, "values": [{"a": 3}, {"b": 4}]}`, [][2]string{
		{"abs(-5)", "5"}, {`accountid()`, `"123456789012"`}, {"acos(0)", "1.5707963267948966"}, {"acos(2)", ""}, {"asin(0)", "0"}, {"bitand(13, 5)", "5"}, {"bitor(8, 5)", "13"}, {"bitxor(13, 5)", "8"},
		{"bitnot(13)", "-14"}, {"bitand('13', 5.9)", "5"}, {"ceil(1.2)", "2"}, {"ceil(-1.2)", "-1"}, {"floor(-1.2)", "-2"}, {"floor('1.7')", "1"}, {"chr(65)", `"A"`}, {"chr(49)", `"1"`}, {"chr(300)", ""},
		{"clientid()", `"n/a"`}, {"concat()", ""}, {"concat(1)", "1"}, {"concat([1, 2, 3], 4)", "[1,2,3,4]"}, {`concat([1, 2, 3], "hello")`, `[1,2,3,"hello"]`}, {`concat("con", "cat")`, `"concat"`},
		{`concat(1, "hello")`, `"1hello"`}, {`concat("he","is","man")`, `"heisman"`}, {`concat([1, 2, 3], "hello", [4, 5, 6])`, `[1,2,3,"hello",4,5,6]`}, {"concat(1, 2)", ""},
		{"cos(0)", "1"}, {"cosh(2.3)", "5.037220649268761"}, {`endswith("cat","at")`, "true"}, {"exp(0)", "1"}, {`get("abc", 1)`, `"b"`}, {`get(["a","b"], 0)`, `"a"`}, {`get({"a":5}, "a")`, "5"},
		{`md2("hello")`, `"a9046c73e00331af68917d3804f70655"`}, {`md5("hello")`, `"5d41402abc4b2a76b9719d911017c592"`}, {`sha1("hello")`, `"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"`},
		{`indexof("abcd", "bc")`, "1"}, {`indexof("abcd", "x")`, "-1"}, {"isNull(5)", "false"}, {"isNull(Null)", "true"}, {"isUndefined(5)", "false"}, {"isUndefined(floor([1,2,3]))", "true"},
		{`length("hi")`, "2"}, {"length(false)", "5"}, {`length("€")`, "1"}, {`numbytes("€")`, "3"}, {"ln(1)", "0"}, {"ln(0)", ""}, {"log(100)", "2"}, {`lower("HELLO")`, `"hello"`}, {`lower(["HELLO"])`, `"[\"hello\"]"`},
		{`lpad("hello", 2)`, `"  hello"`}, {"lpad(1, 3)", `"   1"`}, {`rpad("hello", 2)`, `"hello  "`}, {`rpad("x", -4)`, `"x"`}, {`Ltrim(" h i ")`, `"h i "`}, {`rtrim(" h i ")`, `" h i"`}, {`Trim(" hi ")`, `"hi"`},
		{"mod(8, 3)", "2"}, {"remainder(8, 3)", "2"}, {"Nanvl(8, 3)", "8"}, {"nanvl(nothing, 3)", "3"}, {"nanvl(null, 3)", "3"}, {"power(2, 5)", "32"},
		{`regexp_matches("aaaa", "a{2,}")`, "true"}, {`regexp_matches("aaaa", "b")`, "false"}, {`regexp_replace("abcd", "bc", "x")`, `"axd"`}, {`regexp_replace("abcd", "b(.*)d", "$1")`, `"ac"`},
		{`regexp_substr("hihihello", "hi")`, `"hi"`}, {`regexp_substr("hihihello", "(hi)*")`, `"hihi"`}, {`regexp_matches("a", lower("("))`, ""},
		{`replace("abcd", "bc", "x")`, `"axd"`}, {`replace("abcdabcd", "b", "x")`, `"axcdaxcd"`}, {"Round(1.2)", "1"}, {"Round(1.5)", "2"}, {"Round(1.7)", "2"}, {"Round(-1.1)", "-1"}, {"Round(-1.5)", "-2"},
		{"sign(-7)", "-1"}, {"sign(0)", "0"}, {"sign(13)", "1"}, {"sin(0)", "0"}, {"sinh(2.3)", "4.936961805545957"}, {"sqrt(9)", "3"}, {"sqrt(-1)", ""}, {`startswith("ranger","ran")`, "true"},
		{`substring("012345", 0)`, `"012345"`}, {`substring("012345", 2)`, `"2345"`}, {`substring("012345", 2.745)`, `"2345"`}, {"substring(123, 2)", `"3"`}, {`substring("012345", -1)`, `"012345"`},
		{"substring(true, 1.2)", `"rue"`}, {"substring(false, -2.411E247)", `"false"`}, {`substring("012345", 1, 3)`, `"12"`}, {`substring("012345", -50, 50)`, `"012345"`}, {`substring("012345", 3, 1)`, `""`},
		{"sql_version()", `"2016-03-23"`}, {"tan(3)", "-0.1425465430742778"}, {"tanh(2.3)", "0.9800963962661914"}, {"atan2(0, 1)", "0"},
		{`parse_time("yyyy.MM.dd G 'at' HH:mm:ss z", 100000000, "America/Belize")`, `"1970.01.01 AD at 21:46:40 CST"`}, {`parse_time("yyyy", timestamp(), "UTC")`, `"2026"`},
		{`parse_time("EEE, d MMM yy h:mm a SSS XXX ''", 0)`, `"Thu, 1 Jan 70 12:00 AM 000 Z '"`},
		{`time_to_epoch("2020-04-03 09:45:18 UTC+01:00", "yyyy-MM-dd HH:mm:ss VV")`, "1585903518000"}, {`time_to_epoch("18 December 2015", "dd MMMM yyyy")`, "1450396800000"},
		{`time_to_epoch("2007-12-03 10:15:30.592 America/Los_Angeles", "yyyy-MM-dd HH:mm:ss.SSS z")`, "1196705730592"}, {`time_to_epoch("20200230", "yyyyMMdd")`, ""}, {`time_to_epoch("20200229", "yyyyMMdd")`, "1582934400000"},
		{"timestamp()", "1795348800000"}, {"topic()", `"a/b"`}, {"topic(1)", `"a"`}, {"topic(2)", `"b"`}, {"topic(3)", ""}, {"topic(0)", ""}, {"traceid()", ""}, {"principal()", ""},
		{`transform("enrichArray", attributes, values)`, `[{"a":3,"data1":1,"data2":2},{"b":4,"data1":1,"data2":2}]`}, {`transform("enrichArray", {"key": attributes.data1}, values)`, `[{"a":3,"key":1},{"b":4,"key":1}]`},
		{`transform("other", attributes, values)`, ""}, {"trunc(2.3, 0)", "2"}, {"trunc(2.3123, 2)", "2.31"}, {"trunc(2.888, 2)", "2.88"}, {"trunc(2.00, 5)", "2"}, {"trunc(-2.888, 1)", "-2.8"},
		{`upper("hello")`, `"HELLO"`}, {`upper(["hello"])`, `"[\"HELLO\"]"`}, {"machinelearning_predict('m', 'r', *)", ""}, {"aws_lambda('f', *)", ""},
	})
}

func TestRE11_MessageAndHost(t *testing.T) {
	in := Message{Topic: "a/b", Payload: []byte(`{"id":"m1"}`), ClientID: "press", Principal: "ba67", TraceID: "t-1",
		Properties: map[string]string{"content_type": "application/json"}, User: [][2]string{{"k", "v1"}, {"k", "v2"}}}
	broken := errors.New("table is locked")
	o := Options{Rand: func() uint64 { return 1 << 63 }, Functions: map[string]func([]Value) (Value, error){
		"lookup": func(a []Value) (Value, error) {
			return ParseJSON([]byte(`{"location":"hall B, ` + a[2].String() + `"}`))
		},
		"secret": func([]Value) (Value, error) { return Value{}, broken },
	}}
	for sql, want := range map[string]string{
		"SELECT clientid() AS c, principal() AS p, traceid() AS t FROM 'a/b'":                                     `{"c":"press","p":"ba67","t":"t-1"}`,
		"SELECT get_mqtt_property('content_type') AS c, get_user_properties('k') AS k FROM 'a/b'":                 `{"c":"application/json","k":["v1","v2"]}`,
		"SELECT *, get_dynamodb('devices', 'deviceId', id, 'role').location AS location FROM 'a/b'":               `{"id":"m1","location":"hall B, m1"}`,
		"SELECT rand() AS r, newuuid() AS u FROM 'a/b'":                                                           `{"r":0.5,"u":"80000000-0000-4000-8000-000000000000"}`,
		"SELECT regexp_matches(newuuid(), '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-') FROM 'a/b'": `{"regexp_matches":true}`,
	} {
		if got := run(t, sql, in, o); len(got) != 1 || got[0] != want {
			t.Errorf("%s gives %s, want %s", sql, got, want)
		}
	}
	s, _ := Parse("SELECT get_secret('x') FROM 'a/b'")
	if err := New(s, o).Eval(noon, in, func(Row) { t.Error("a row") }); !errors.Is(err, broken) {
		t.Errorf("a host function that fails: %v", err)
	}
}

func TestRE12_Cast(t *testing.T) {
	gives(t, press, [][2]string{
		{"cast(true as Int)", "1"}, {"cast(false AS Integer)", "0"}, {"cast(2.9 AS Int)", "2"}, {"cast(-2.1 AS Int)", "-3"}, {"cast('2.9' AS int)", "2"}, {"cast('x' AS Int)", ""}, {"cast(null AS Int)", ""}, {"cast([1] AS Int)", ""},
		{"cast(5 AS String)", `"5"`}, {"cast(true AS Nvarchar)", `"true"`}, {"cast([1,'a'] AS Text)", `"[1,\"a\"]"`}, {"cast({'a':null} AS Ntext)", `"{\"a\":null}"`}, {"cast('x' AS varchar)", `"x"`}, {"cast(null AS String)", ""},
		{"cast('5E-12' AS Decimal)", "5E-12"}, {"cast(true AS Decimal)", "1"}, {"cast(1.5 AS Double)", "1.5"}, {"cast(7 AS Double) / 2", "3.5"}, {"cast(10.0 AS Decimal)", "10"},
		{"cast(0 AS Bool)", "false"}, {"cast(0.1 AS Boolean)", "true"}, {"cast('TRUE' AS Bool)", "true"}, {"cast('yes' AS Bool)", ""}, {"cast(null AS Bool)", ""}, {"cast(missing AS String)", ""},
	})
}

func TestRE13_Templates(t *testing.T) {
	in := Message{Topic: "plant/press", Payload: []byte(`{"temp": 85.5, "state": {"n": 3}, "on": true, "none": null}`)}
	for src, want := range map[string]string{
		"alarm/${topic(2)}/${state.n}": "alarm/press/3",
		"${temp} °C is ${CASE true WHEN temp > 80 THEN 'hot' ELSE 'fine' END}${missing}": "85.5 °C is hot",
		"${get({'a}': '}'}, 'a}')}$$ {x} ${on}":                                          "}$$ {x} true",
		"${parse_time(\"yyyy\", timestamp(), \"UTC\")}":                                  "2026",
		"none": "none", "": "",
	} {
		tpl, err := ParseTemplate(src, Options{})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := tpl.Expand(noon, in); err != nil || got != want {
			t.Errorf("%s becomes %q, %v; want %q", src, got, err, want)
		}
	}
	for src, want := range map[string]string{
		"text\n°${ temp + }": `^2:12: want an expression`, "${x": `^1:1: this \$\{ has no \}`, "a ${sum(x)}": "cannot stand in a template", "${}": "^1:3: want an expression",
	} {
		if _, err := ParseTemplate(src, Options{}); err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
	tpl, _ := ParseTemplate("${temp}", Options{})
	if _, err := tpl.Expand(noon, message("not json")); !errors.Is(err, ErrPayload) {
		t.Errorf("a template over no JSON: %v", err)
	}
}
