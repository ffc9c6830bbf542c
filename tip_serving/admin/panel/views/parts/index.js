// Pieces that several views draw. Whatever text they are given stands between {{ }} and so is shown as text.

// A long name breaks behind its provider before it breaks anywhere else.
export const ModelName = {
  props: { model: String },
  computed: {
    parts() { return this.model.split(/(?<=\/)/); },
  },
  template: `<bdi class="cell-name"><template v-for="part in parts">{{ part }}<wbr></template></bdi>`,
};

export const CellName = {
  components: { ModelName },
  props: { model: String, prompt: String },
  template: `<ModelName :model="model"/> <bdi class="prompt">{{ prompt }}</bdi>`,
};

export const Facts = {
  props: { facts: Array },
  template: `<dl class="facts"><div v-for="fact in facts"><dt>{{ fact.term }}</dt><dd>{{ fact.value }}<small v-if="fact.note">{{ fact.note }}</small></dd></div></dl>`,
};

export const Progress = {
  props: { share: Number, label: String },
  template: `
    <span class="meter" role="progressbar" :aria-label="label" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="Math.floor(share * 100)">
      <span :style="{ width: share * 100 + '%' }"></span>
    </span>`,
};

export const Faults = {
  props: { of: String, all: { type: Array, default: () => [] }, id: String },
  computed: {
    mine() {
      return this.all.filter((fault) => fault.field === this.of || fault.field.startsWith(this.of + "."));
    },
  },
  template: `<span :id="id" aria-live="polite"><span v-for="fault in mine" class="fault">{{ fault.message }}<br></span></span>`,
};

export const Situation = {
  props: { situation: Object },
  template: `
    <div class="situation">
      <p class="moment">{{ situation.moment }}</p>
      <p v-if="!situation.tasks.length" class="say" style="margin: 0">No open tasks.</p>
      <ul class="tasks"><li v-for="task in situation.tasks" :class="{ urgent: task.urgent }">
        <bdi>{{ task.content }}</bdi> <small v-if="task.about">{{ task.about }}</small>
      </li></ul>
      <p v-if="situation.more"><small>{{ situation.more }}</small></p>
      <p v-if="situation.profile"><small>{{ situation.profile }}</small></p>
    </div>`,
};

export const Dot = {
  props: { row: Object, ticks: Array },
  template: `
    <svg class="dot" role="img" :aria-label="row.drawn.label">
      <line v-for="tick in ticks" class="grid-line" :x1="tick.at + '%'" :x2="tick.at + '%'" y1="0" y2="100%"/>
      <line v-if="row.drawn.low !== null" class="whisker" :class="{ loose: !row.drawn.is_sound }"
        :x1="row.drawn.low + '%'" :x2="row.drawn.high + '%'" y1="50%" y2="50%"/>
      <circle :class="{ open: !row.drawn.is_sound }" :cx="row.drawn.at + '%'" cy="50%" r="5"/>
    </svg>`,
};

export const Scatter = {
  components: { CellName },
  props: { drawn: Object, title: String, axis: String, cheaper: String },
  template: `
    <figure>
      <figcaption><h3>{{ title }}</h3></figcaption>
      <p v-if="!drawn" class="say">Not known for any cell with a mean.</p>
      <template v-else>
        <svg class="canvas" role="img" :aria-label="title + ': ' + drawn.best.map((b) => b.label).join('; ')">
          <svg width="100%" height="260">
            <template v-for="tick in drawn.y">
              <line class="grid-line" x1="0" x2="100%" :y1="100 - tick.at + '%'" :y2="100 - tick.at + '%'"/>
              <text x="0" :y="100 - tick.at + '%'" dy="-4">{{ tick.label }}</text>
            </template>
            <line v-for="[x1, y1, x2, y2] in drawn.frontier" class="frontier" :x1="x1 + '%'" :y1="y1 + '%'" :x2="x2 + '%'" :y2="y2 + '%'"/>
            <template v-for="point in drawn.points">
              <line v-if="point.whisker" class="whisker" :class="{ faint: !point.is_best }" :x1="point.x + '%'" :x2="point.x + '%'"
                :y1="point.whisker[0] + '%'" :y2="point.whisker[1] + '%'"/>
            </template>
            <template v-for="point in drawn.points">
              <circle :class="{ other: !point.is_best, open: !point.is_sound }" :cx="point.x + '%'" :cy="point.y + '%'" :r="point.is_best ? 5.5 : 4"><title>{{ point.label }}</title></circle>
              <text v-if="point.is_best && point.place" class="place" :x="point.x + '%'" :y="point.y + '%'" dx="9" dy="-7">{{ point.place }}</text>
            </template>
          </svg>
          <template v-for="tick in drawn.x">
            <line class="tick-mark" :x1="tick.at + '%'" :x2="tick.at + '%'" y1="260" y2="265"/>
            <text :x="tick.at + '%'" y="280" text-anchor="middle">{{ tick.label }}</text>
          </template>
        </svg>
        <p class="axis-title">{{ axis }} &rarr;</p>
        <p class="say">{{ drawn.best.length ? "Not beaten by any cell " + cheaper + ":" : "No cell has scores enough yet to call it the best for what it takes." }}</p>
        <ol class="best"><li v-for="b in drawn.best">
          <span class="at">{{ b.place }}</span><span><CellName :model="b.model" :prompt="b.prompt"/></span><span class="of">{{ b.worth }}</span>
        </li></ol>
        <p v-if="drawn.unknown" class="say">{{ drawn.unknown }}</p>
      </template>
    </figure>`,
};

// What admins look after: who and what may come in, and what they did.
const PLACES = [["/users", "Users"], ["/tokens", "API tokens"], ["/webhooks", "Webhook keys"], ["/audit", "Audit log"]];

export const Access = {
  props: { here: String, title: String, lead: String },
  computed: { places: () => PLACES },
  template: `
    <div class="head access"><div><h1>{{ title }}</h1><p class="lead">{{ lead }}</p></div>
      <nav class="tabs" aria-label="Access"><a v-for="[href, name] in places" :href="href" :aria-current="href === here ? 'page' : null">{{ name }}</a></nav></div>`,
};

export const Pages = {
  props: { number: Number, of: Number },
  template: `
    <nav v-if="of > 1" class="pages" aria-label="Pages of the list">
      <button type="button" :disabled="number <= 1" @click="$emit('turn', number - 1)">Newer</button>
      <span>Page {{ number }} of {{ of }}</span>
      <button type="button" :disabled="number >= of" @click="$emit('turn', number + 1)">Older</button>
    </nav>`,
};

// A button that asks once more before it does what cannot be taken back.
export const Sure = {
  props: { act: String, of: String },
  data() {
    return { asked: false };
  },
  methods: {
    press() {
      if (this.asked) this.$emit("sure");
      this.asked = !this.asked;
    },
  },
  template: `<button type="button" class="danger" @click="press" @blur="asked = false" :aria-label="(asked ? 'Really ' + act.toLowerCase() : act) + ' ' + of">{{ asked ? "Really " + act.toLowerCase() + "?" : act }}</button>`,
};

// A secret that nobody can show again.
export const Once = {
  props: { title: String, secret: String },
  data() {
    return { is_copied: false };
  },
  watch: {
    secret() { this.is_copied = false; },
  },
  methods: {
    async copy() {
      this.$refs.secret.select();
      // Without TLS a browser has no clipboard to offer; what is selected can be copied by hand.
      await navigator.clipboard?.writeText(this.secret);
      this.is_copied = Boolean(navigator.clipboard);
    },
  },
  template: `
    <div class="once" role="status"><label for="once">{{ title }}</label>
      <div class="adder"><input id="once" ref="secret" class="mono" :value="secret" readonly @focus="$event.target.select()"><button type="button" @click="copy">{{ is_copied ? "Copied" : "Copy" }}</button></div>
      <small>It is shown this once and kept as a hash. Put it where your program finds it.</small></div>`,
};

export const Tokens = {
  components: { Sure },
  props: { rows: Array, with_user: Boolean, empty: String },
  template: `
    <p v-if="!rows.length" class="say">{{ empty }}</p>
    <table v-else class="stack" role="table" aria-label="API tokens"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">What it is for</th><th v-if="with_user" role="columnheader" scope="col" class="left">Acts as</th><th role="columnheader" scope="col">Made</th><th role="columnheader" scope="col">Until</th><th role="columnheader" scope="col"><span class="hidden">Revoke</span></th></tr></thead>
      <tbody role="rowgroup"><tr role="row" v-for="row in rows" :key="row.id"><th role="rowheader" scope="row"><bdi class="cell-name">{{ row.label }}</bdi></th>
        <td v-if="with_user" role="cell" class="left" data-label="Acts as"><bdi>{{ row.user }}</bdi></td><td role="cell" data-label="Made">{{ row.since }}</td><td role="cell" data-label="Until">{{ row.until }}</td>
        <td role="cell"><Sure act="Revoke" :of="row.label" @sure="$emit('revoke', row.id)"/></td></tr></tbody></table>`,
};
