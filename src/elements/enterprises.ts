/** Private enterprise numbers that flow exporters are known to use, with the name by which people know the vendor. */
const ENTERPRISES: readonly (readonly [number, string])[] = [
  [0, 'IANA'],
  [9, 'Cisco'],
  [637, 'Nokia'],
  [1916, 'Extreme'],
  [2011, 'Huawei'],
  [2636, 'Juniper'],
  [3054, 'Ixia'],
  [3375, 'F5'],
  [5951, 'NetScaler'],
  [6527, 'Nokia SR'],
  [6871, 'CERT'],
  [6876, 'VMware'],
  [8741, 'SonicWall'],
  [9694, 'Arbor'],
  [9789, 'Astaro'],
  [10704, 'Barracuda'],
  [12326, 'phion'],
  [12356, 'Fortinet'],
  [14988, 'MikroTik'],
  [15397, 'Procera'],
  [21373, 'netfilter'],
  [25461, 'Palo Alto'],
  [25506, 'H3C'],
  [26866, 'Gigamon'],
  [29305, 'reverse'],
  [30065, 'Arista'],
  [35632, 'ntop'],
  [39499, 'Flowmon'],
  [41916, 'Viptela'],
];

/** The name of a private enterprise, such as `VMware` for 6876; undefined for one that is not in the small table. */
export function enterpriseName(pen: number): string | undefined {
  return ENTERPRISES.find(([number]) => number === pen)?.[1];
}

/** The number of an enterprise written as a number (`6871`) or by its name in any case and without spaces (`cert`, `paloalto`). */
export function enterpriseNumber(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const key = text.toLowerCase();
  return ENTERPRISES.find(([, name]) => name.toLowerCase().replaceAll(' ', '') === key)?.[0];
}
