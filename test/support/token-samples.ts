/** Short texts by script and language, to measure how far estimated tokens are from those of a tokenizer. */
export const TOKEN_SAMPLES: Readonly<Record<string, string>> = {
  English:
    "The attendant opens the gate when the water on both sides has reached the same level. Then the boat moves on, slowly and without a sound, while the next one is already waiting behind the bend of the river.",
  German:
    "Der Schleusenwärter öffnet das Tor, sobald das Wasser auf beiden Seiten gleich hoch steht. Danach fährt das Schiff langsam weiter, während hinter der Flussbiegung schon das nächste wartet. Größere Kähne müssen über Nacht bleiben.",
  French:
    "L'éclusier ouvre la porte dès que l'eau a atteint le même niveau des deux côtés. Le bateau repart lentement, sans bruit, tandis que le suivant attend déjà derrière le méandre. Les péniches plus grandes passent la nuit près du quai.",
  Vietnamese:
    "Người gác cống mở cửa khi mực nước ở hai bên đã bằng nhau. Sau đó con thuyền đi tiếp, chậm rãi và không một tiếng động, trong khi chiếc tiếp theo đã chờ sẵn ở khúc quanh của dòng sông.",
  Turkish:
    "Kapak görevlisi, iki taraftaki su aynı seviyeye ulaşınca kapıyı açar. Sonra tekne yavaşça ve sessizce yoluna devam eder; sıradaki tekne ise nehrin kıvrımının arkasında çoktan beklemektedir.",
  Russian:
    "Смотритель шлюза открывает ворота, когда вода с обеих сторон достигает одного уровня. Потом лодка медленно и бесшумно плывёт дальше, а следующая уже ждёт за излучиной реки. Большие баржи остаются на ночь.",
  Greek:
    "Ο φύλακας του υδατοφράκτη ανοίγει την πύλη όταν το νερό φτάσει στο ίδιο ύψος και στις δύο πλευρές. Έπειτα η βάρκα προχωρεί αργά και αθόρυβα, ενώ η επόμενη περιμένει ήδη πίσω από τη στροφή του ποταμού.",
  Arabic:
    "يفتح حارس الهويس البوابة عندما يصل الماء إلى المستوى نفسه على الجانبين. ثم يتابع القارب طريقه ببطء ومن دون صوت، بينما ينتظر القارب التالي خلف منعطف النهر. وتبقى المراكب الكبيرة حتى الصباح.",
  Hebrew:
    "שומר הסכר פותח את השער כאשר המים משני הצדדים מגיעים לאותו גובה. אחר כך הסירה ממשיכה לאט ובלי קול, והסירה הבאה כבר מחכה מאחורי עיקול הנהר. דוברות גדולות נשארות ללילה.",
  Hindi:
    "जब दोनों ओर पानी एक ही स्तर पर पहुँच जाता है, तब द्वारपाल फाटक खोलता है। फिर नाव धीरे-धीरे और बिना आवाज़ के आगे बढ़ती है, जबकि अगली नाव नदी के मोड़ के पीछे पहले से प्रतीक्षा कर रही होती है।",
  Bengali:
    "যখন দুই পাশের জল একই উচ্চতায় পৌঁছায়, তখন প্রহরী ফটক খুলে দেয়। তারপর নৌকাটি ধীরে ধীরে নিঃশব্দে এগিয়ে যায়, আর পরের নৌকাটি নদীর বাঁকের পেছনে অপেক্ষা করে।",
  Tamil:
    "இருபுறமும் நீர் ஒரே மட்டத்தை அடைந்ததும் காவலர் கதவைத் திறக்கிறார். பின்னர் படகு மெதுவாகவும் சத்தமின்றியும் நகர்கிறது; அடுத்த படகு ஆற்றின் வளைவுக்குப் பின்னால் காத்திருக்கிறது.",
  Thai: "ผู้ดูแลประตูน้ำจะเปิดประตูเมื่อน้ำทั้งสองฝั่งอยู่ในระดับเดียวกัน จากนั้นเรือก็แล่นต่อไปอย่างช้าๆ และเงียบสงบ ขณะที่เรือลำถัดไปรออยู่แล้วหลังโค้งของแม่น้ำ",
  Georgian:
    "რაბის მცველი ჭიშკარს მაშინ აღებს, როცა წყალი ორივე მხარეს ერთ დონეს მიაღწევს. შემდეგ ნავი ნელა და უხმაუროდ მიცურავს, შემდეგი კი უკვე ელოდება მდინარის მოსახვევს მიღმა.",
  Chinese:
    "当两边的水位相同时，船闸管理员便打开闸门。随后小船缓缓前行，悄无声息，而下一艘船已经在河湾后面等候。较大的驳船要在码头过夜，第二天早晨才能继续航行。",
  "Classical Chinese":
    "白日依山盡，黃河入海流。欲窮千里目，更上一層樓。空山不見人，但聞人語響。返景入深林，復照青苔上。千山鳥飛絕，萬徑人蹤滅。孤舟蓑笠翁，獨釣寒江雪。",
  Japanese:
    "両側の水位が同じになると、水門の番人は扉を開けます。すると船はゆっくりと音もなく進み、次の船はもう川の曲がり角の向こうで待っています。大きなはしけは朝まで岸壁に泊まります。",
  Korean:
    "양쪽의 수위가 같아지면 수문 관리인이 문을 엽니다. 그러면 배는 천천히 소리 없이 나아가고, 다음 배는 이미 강굽이 뒤에서 기다리고 있습니다. 큰 바지선은 아침까지 부두에 머무릅니다.",
  Emoji: "🚤🌊🔒👩‍🔧 ✅ 🎉🎉 👍🏽 🇫🇷🇯🇵 👨‍👩‍👧‍👦 ⚓️⛵️ 🌧️☀️🌈",
  Code: 'export function openGate(levels: readonly number[], maxDiff = 0.05): boolean {\n  const [left, right] = levels;\n  if (left === undefined || right === undefined) throw new RangeError("two levels");\n  return Math.abs(left - right) <= maxDiff;\n}\n',
  "Indented data":
    '{\n        "gate": {\n                "level":      12.75,\n                "open":       false,\n                "history": [\n                        1,\n                        2\n                ]\n        }\n}\n',
  Table:
    "| lock   | level |  open |\n| ------ | ----- | ----- |\n| north  | 12.75 | false |\n| south  |  9.10 | true  |\n| middle | 11.02 | false |\n",
  "Hashes and ids":
    "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069 a9Zk3QpL0x 550e8400-e29b-41d4-a716-446655440000 sk_live_51HxYz",
};
