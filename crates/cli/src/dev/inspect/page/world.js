// The countries of ISO 3166-1 as tiles: each goes to the free tile nearest to where it lies.

const PLACES = `
AD42,1 AE24,54 AF34,66 AG17,-62 AI18,-63 AL41,20 AM40,45 AO-12,17 AR-35,-65 AS-14,-170 AT47,14 AU-25,134 AW12,-70 AX60,20
AZ40,48 BA44,18 BB13,-59 BD24,90 BE50,4 BF12,-2 BG43,25 BH26,50 BI-3,30 BJ9,2 BL18,-63 BM32,-65 BN4,115 BO-17,-64 BQ12,-68
BR-10,-53 BS24,-76 BT27,90 BW-22,24 BY53,28 BZ17,-88 CA58,-105 CC-12,97 CD-3,23 CF7,21 CG-1,15 CH47,8 CI7,-5 CK-21,-160
CL-30,-71 CM6,12 CN35,103 CO4,-73 CR10,-84 CU22,-79 CV16,-24 CW12,-69 CX-10,105 CY35,33 CZ50,15 DE51,10 DJ12,43 DK56,10
DM15,-61 DO19,-70 DZ28,3 EC-1,-78 EE59,26 EG27,30 EH24,-13 ER15,39 ES40,-4 ET8,39 FI63,26 FJ-18,178 FK-52,-59 FM7,158
FO62,-7 FR46,2 GA-1,12 GB54,-2 GD12,-61 GE42,43 GF4,-53 GG50,-3 GH8,-1 GI36,-5 GL70,-40 GM13,-15 GN11,-10 GP16,-61 GQ2,10
GR39,22 GT15,-90 GU13,145 GW12,-15 GY5,-59 HK22,114 HN15,-86 HR45,16 HT19,-72 HU47,19 ID-2,118 IE53,-8 IL31,35 IM54,-5
IN21,78 IO-6,72 IQ33,44 IR32,53 IS65,-18 IT43,12 JE49,-2 JM18,-77 JO31,37 JP36,138 KE0,38 KG41,75 KH13,105 KI1,173
KM-12,44 KN17,-62 KP40,127 KR36,128 KW29,48 KY19,-81 KZ48,67 LA18,103 LB34,36 LC14,-61 LI47,9 LK7,81 LR6,-9 LS-30,28
LT55,24 LU50,6 LV57,25 LY27,17 MA32,-6 MC44,7 MD47,29 ME43,19 MF18,-63 MG-19,47 MH7,171 MK41,22 ML17,-4 MM21,96 MN46,105
MO22,113 MP15,146 MQ15,-61 MR20,-10 MS17,-62 MT36,14 MU-20,57 MV3,73 MW-13,34 MX23,-102 MY4,109 MZ-18,35 NA-22,17
NC-21,165 NE17,9 NF-29,168 NG9,8 NI13,-85 NL52,5 NO61,9 NP28,84 NR-1,167 NU-19,-169 NZ-41,173 OM21,56 PA9,-80 PE-9,-75
PF-17,-149 PG-6,145 PH12,122 PK30,69 PL52,19 PM47,-56 PN-25,-130 PR18,-66 PS32,35 PT39,-8 PW7,134 PY-23,-58 QA25,51
RE-21,55 RO46,25 RS44,21 RU61,95 RW-2,30 SA24,45 SB-9,160 SC-5,55 SD15,30 SE61,15 SG1,104 SH-16,-6 SI46,15 SJ78,16 SK49,19
SL8,-12 SM44,12 SN14,-14 SO5,46 SR4,-56 SS7,30 ST0,7 SV14,-89 SX18,-63 SY35,38 SZ-26,31 TC22,-72 TD15,19 TG8,1 TH15,101
TJ39,71 TK-9,-172 TL-9,126 TM39,59 TN34,9 TO-21,-175 TR39,35 TT10,-61 TV-8,178 TW24,121 TZ-6,35 UA49,32 UG1,32 US39,-98
UY-33,-56 UZ42,64 VA42,12 VC13,-61 VE7,-66 VG18,-64 VI18,-65 VN16,106 VU-16,167 WF-13,-176 WS-14,-172 XK42,21 YE16,48
AQ-80,0 BV-54,3 GS-54,-37 HM-53,73 TF-49,69 UM19,167 YT-13,45 ZA-29,25 ZM-14,28 ZW-19,30`;

const COLUMNS = 46, ROWS = 23, TILE = 18;

function layout() {
  const taken = new Map(), tiles = new Map();
  for (const place of PLACES.trim().split(/\s+/)) {
    const code = place.slice(0, 2);
    const [latitude, longitude] = place.slice(2).split(",").map(Number);
    // Europe and Africa are crowded: the map is wider in the middle.
    const x = COLUMNS * (0.5 + 0.5 * Math.sign(longitude - 10) * (Math.abs(longitude - 10) / 190) ** 0.72);
    const y = ROWS * (0.5 - 0.5 * Math.sign(latitude - 15) * (Math.abs(latitude - 15) / 75) ** 0.8);
    let best, distance = Infinity;
    for (let column = 0; column < COLUMNS; column++) for (let row = 0; row < ROWS; row++) {
      const away = (column - x) ** 2 + 1.4 * (row - y) ** 2;
      if (away < distance && !taken.has(column * ROWS + row)) [best, distance] = [[column, row], away];
    }
    taken.set(best[0] * ROWS + best[1], code);
    tiles.set(code, best);
  }
  return tiles;
}

const TILES = layout();
const NAMES = new Intl.DisplayNames(["en"], { type: "region" });

/** The English name of a country. */
export function nameOf(code) {
  try { return NAMES.of(code) ?? code; } catch { return code; }
}

/** Draws the world; `counts` has the admitted and the refused of each country. */
export function draw(into, counts) {
  const make = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const svg = make("svg", { viewBox: `0 0 ${COLUMNS * TILE} ${ROWS * TILE}`, role: "img", "aria-label": "Admitted and refused requests by country; the table below says the same" });
  for (const [code, [column, row]] of TILES) {
    const { admitted = 0, refused = 0 } = counts.get(code) ?? {};
    const kind = admitted && refused ? "both" : admitted ? "good" : refused ? "bad" : "";
    const tile = make("g", { class: `tile ${kind}`, transform: `translate(${column * TILE} ${row * TILE})`, "data-country": code });
    const title = make("title", {});
    title.textContent = `${nameOf(code)}: ${admitted} admitted, ${refused} refused`;
    const label = make("text", { x: TILE / 2 - 1, y: TILE / 2 + 2 });
    label.textContent = code;
    tile.append(title, make("rect", { width: TILE - 2, height: TILE - 2, rx: 2 }), label);
    svg.append(tile);
  }
  into.replaceChildren(svg);
}
